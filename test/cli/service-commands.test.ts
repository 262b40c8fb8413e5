import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { AuditEvent } from '../../src/audit/audit-log.ts'
import type { CliContext, Command } from '../../src/cli/cli-context.ts'
import { clientCommand } from '../../src/cli/client.ts'
import { spCommand } from '../../src/cli/service-provider.ts'
import { useClientSecretKey } from '../../src/federation/client-secrets.ts'
import { useStore } from '../support/store.ts'
import { takeOutput } from './support.ts'

useStore()
const folder = mkdtempSync(join(tmpdir(), 'propylaia-cli-'))
const key = randomBytes(32)
before(() => useClientSecretKey({ get: () => key }))
after(() => rmSync(folder, { recursive: true, force: true }))
const fixture = (name: string) =>
  fileURLToPath(new URL(`../fixtures/metadata/${name}`, import.meta.url))

const audited: AuditEvent[] = []
const context = {
  now: () => new Date('2027-01-15T12:00:00Z'),
  audit: { record: (event: AuditEvent) => audited.push(event), close: async () => {} },
} as unknown as CliContext

const commands: Record<string, Command> = { sp: spCommand, client: clientCommand }

/** Runs a command as the command line does: what it prints, its exit code, and 1 for a failure it throws. */
async function propylaia(name: string, ...args: string[]) {
  let failure: Error | undefined
  const printed = await takeOutput(() =>
    commands[name]!(context, args).catch((error) => {
      failure = error as Error
      return 1
    }),
  )
  return failure ? { ...printed, err: failure.message } : printed
}

describe('propylaia sp', () => {
  const entityId =
    'https://library.example.org/simplesaml/module.php/saml/sp/metadata.php/default-sp'

  it('adds, overrides, approves, lists and removes a service provider', async () => {
    const added = await propylaia('sp', 'add', fixture('simplesamlphp.xml'), '--json')
    assert.equal(added.code, 0, added.err)
    const report = JSON.parse(added.out)
    assert.equal(report.state, 'pending')
    assert.deepEqual(report.unknownAttributes, ['mail'])
    assert.ok(report.findings[0].remedy)

    const flags = ['--release', 'mail,sn', '--sign-assertions', 'yes', '--json']
    const overridden = await propylaia('sp', 'override', entityId, ...flags)
    assert.deepEqual(JSON.parse(overridden.out).overrides, {
      signAssertions: true,
      release: ['mail', 'sn'],
    })
    const takenBack = await propylaia('sp', 'override', entityId, '--release', '', '--json')
    assert.deepEqual(JSON.parse(takenBack.out).overrides, { signAssertions: true })

    assert.equal((await propylaia('sp', 'approve', entityId)).code, 0)
    const [listed] = JSON.parse((await propylaia('sp', 'list', '--json')).out)
    assert.equal(listed.state, 'approved')
    assert.equal(listed.entityId, entityId)

    assert.equal((await propylaia('sp', 'remove', entityId)).code, 0)
    assert.equal((await propylaia('sp', 'list')).out, '')
    assert.equal((await propylaia('sp', 'remove', entityId)).code, 1)
    assert.deepEqual(
      audited.map(({ event }) => event),
      ['register', 'override', 'override', 'approve', 'remove'].map((what) => `service.${what}`),
    )
  })

  it('tells what is wrong with metadata, and registers nothing', async () => {
    const refused = await propylaia('sp', 'add', fixture('invalid/javascript-acs.xml'), '--approve')
    assert.equal(refused.code, 1)
    assert.match(refused.err, /javascript-acs\.xml: line 3, entityID .*javascript:/)
    const missing = await propylaia('sp', 'add', 'nowhere.xml')
    assert.match(missing.err, /nowhere\.xml/)
    assert.equal(missing.code, 1)
  })

  it('answers wrong usage with the usage and code 2', async () => {
    const wrong: [string, ...string[]][] = [
      ['sp'],
      ['sp', 'frobnicate'],
      ['sp', 'constructor', 'x'],
      ['sp', 'add'],
      ['sp', 'list', '--nope'],
    ]
    for (const args of wrong) {
      const { code, err } = await propylaia(...args)
      assert.equal(code, 2, args.join(' '))
      assert.match(err, /Usage: propylaia sp/)
    }
  })
})

describe('propylaia client', () => {
  it('adds a client, shows the secret once, and lists it without', async () => {
    const file = join(folder, 'client.json')
    writeFileSync(
      file,
      JSON.stringify({
        client_name: 'Synthetic service',
        redirect_uris: ['https://app.example.org/callback'],
        redirect_url: 'a slip',
      }),
    )
    const added = await propylaia('client', 'add', file, '--approve', '--json')
    assert.equal(added.code, 0, added.err)
    const { clientId, clientSecret, state, ignored } = JSON.parse(added.out)
    assert.equal(state, 'approved')
    assert.deepEqual(ignored, ['redirect_url'])
    assert.ok(clientSecret.length >= 43)
    const listed = await propylaia('client', 'list', '--json')
    assert.equal(JSON.parse(listed.out)[0].clientId, clientId)
    assert.ok(!listed.out.includes(clientSecret))
    assert.ok(!JSON.stringify(audited).includes(clientSecret))
  })
})
