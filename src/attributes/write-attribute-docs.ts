// Writes docs/attributes.md from the attribute table.
import { writeFileSync } from 'node:fs'
import { attributeDocs } from './attribute-docs.ts'

writeFileSync(new URL('../../docs/attributes.md', import.meta.url), attributeDocs())
