import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * `npm test`: every *.test.ts under test/ but those that need software from outside npm (interop,
 * browser), which `.ci/run` runs. Arguments narrow it: `npm test -- saml people`.
 */
const root = fileURLToPath(new URL('.', import.meta.url))
const outside = ['interop', 'browser']
const wanted = process.argv.slice(2)

const files = globSync('**/*.test.ts', { cwd: root })
  .filter((file) => !outside.some((folder) => file.startsWith(`${folder}/`)))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()
  .map((file) => relative(process.cwd(), `${root}${file}`))

if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(' ')}`)
  process.exit(1)
}
const child = spawn(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', '--test', '--test-timeout=180000', ...files],
  { stdio: 'inherit' },
)
child.on('exit', (code) => {
  process.exitCode = code ?? 1
})
