import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { freePortRange } from '../support/free-ports.ts'
import { startPropylaia } from '../support/server-process.ts'

describe('The help of propylaia', () => {
  let folder: string
  let environment: Record<string, string>
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'propylaia-help-'))
    environment = {
      PORT: String(await freePortRange(4)),
      DATA_DIR: join(folder, 'data'),
      CERTS_DIR: join(folder, 'certs'),
      METADATA_DIR: join(folder, 'metadata'),
    }
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  async function propylaia(...args: string[]) {
    // A server that starts all the same would stay, and the test with it.
    const started = startPropylaia(args, environment)
    const { child } = started
    child.stdout?.on('data', () => started.output().includes('Ready in') && child.kill())
    return { code: await started.exited, output: started.output() }
  }

  it('tells what serve takes, and starts no server', async () => {
    for (const args of [
      ['serve', '--help'],
      ['help', 'serve'],
    ]) {
      const { code, output } = await propylaia(...args)
      assert.match(output, /^Usage: propylaia serve\n/)
      assert.equal(code, 0)
    }
    assert.deepEqual(readdirSync(folder), [])
  })

  it('refuses arguments that serve does not take, for they would be settings that do nothing', async () => {
    for (const [argument, problem] of [
      ['--port=8080', /propylaia: Unknown option '--port'/],
      ['8080', /propylaia: serve takes no arguments, got "8080"/],
    ] as const) {
      const { code, output } = await propylaia('serve', argument)
      assert.match(output, problem)
      assert.equal(code, 2)
    }
    assert.deepEqual(readdirSync(folder), [])
  })

  it('says so when there is no such command to help with', async () => {
    const { code, output } = await propylaia('help', 'certificates')
    assert.match(output, /^propylaia: there is no command "certificates"\n/)
    assert.equal(code, 2)
  })
})
