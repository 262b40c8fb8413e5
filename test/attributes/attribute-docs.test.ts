import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { assuranceOf } from '../../src/attributes/assurance.ts'
import { attributeDocs } from '../../src/attributes/attribute-docs.ts'
import { attributeTable } from '../../src/attributes/attribute-table.ts'
import { environment, student } from './example-people.ts'

const fullProof = { way: 'pin', proven: ['sms'], numberCheckedBy: 'national' } as const
const everything = {
  identityProofing: 'high',
  localEnterprise: true,
  usernamesNeverReassigned: true,
  affiliationFreshness: '1d',
} as const

describe('docs/attributes.md', () => {
  it('is up to date; if not, run node src/attributes/write-attribute-docs.ts', () => {
    const file = readFileSync(new URL('../../docs/attributes.md', import.meta.url), 'utf8')
    assert.equal(file, attributeDocs())
  })

  it('gives a reason for every value of eduPersonAssurance', () => {
    const subject = { ...student, account: { ...student.account, activation: fullProof } }
    const institution = { ...environment.institution, attributes: { assurance: everything } }
    const values = assuranceOf(subject, { institution })
    assert.ok(values.length > 10)
    for (const value of values.slice(1)) {
      const short = value.replace('https://refeds.org/assurance', '')
      assert.match(attributeDocs(), new RegExp(`^\\|.*\`${short}\`.*\\|$`, 'm'), short)
    }
  })

  it('has every attribute', () => {
    for (const { name } of attributeTable) assert.ok(attributeDocs().includes(`| ${name} |`), name)
  })
})
