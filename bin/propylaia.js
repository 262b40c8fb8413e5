#!/usr/bin/env node
// Starts the command line on the Node.js that came with the install (node_modules/node), because
// the node on the PATH may be too old to run TypeScript by type stripping or lack crypto.argon2.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from './node-flags.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const isRecentEnough = major > 24 || (major === 24 && minor >= 7)
const bundled = [
  join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node'),
  join(root, '..', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node'),
].find((path) => existsSync(path))

const node = isRecentEnough ? process.execPath : bundled
if (!node) {
  console.error(
    `Propylaia needs Node.js 24.7 or newer; this is ${process.version}, and the copy that ` +
      '"npm ci" installs (optional dependency "node") is missing. Run "npm ci" again without ' +
      '--omit=optional, or install Node.js 24.',
  )
  process.exit(1)
}

const child = spawn(
  node,
  [...nodeFlags, join(root, 'src', 'cli', 'cli.ts'), ...process.argv.slice(2)],
  { stdio: 'inherit' },
)
// Ctrl-C reaches the whole group, so the server may see it twice: it takes signals that arrive
// together as one.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1)
})
