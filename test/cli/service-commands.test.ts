import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { AuditEvent } from '../../src/audit/audit-log.ts'
import type { CliContext, Command } from '../../src/cli/cli-context.ts'
import { clientCommand } from '../../src/cli/client.ts'
import { spCommand } from '../../src/cli/service-provider.ts'
import { useClientSecretKey } from '../../src/federation/client-secrets.ts'
import { listServiceRecords } from '../../src/federation/service-store.ts'
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
  config: { presetsDir: undefined, scope: 'uni.example.gr', baseUrl: 'https://sso.uni.example.gr' },
  institution: {},
  secrets: { get: () => key },
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

/** A service provider without a preset; its entityID. */
async function addMinimal(): Promise<string> {
  const added = await propylaia('sp', 'add', fixture('minimal.xml'), '--json')
  assert.equal(added.code, 0, added.err)
  return JSON.parse(added.out).entityId
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

  it('tells at registration and approval which preset applies, by what, and what people see', async () => {
    const file = join(folder, 'atlas.xml')
    writeFileSync(
      file,
      readFileSync(fixture('minimal.xml'), 'utf8').replaceAll(
        /(entityID|Location)="https:\/\/[^/"]+/g,
        '$1="https://submit-atlas.grnet.gr',
      ),
    )
    const added = await propylaia('sp', 'add', file)
    assert.match(added.out, /Preset: atlas \(all its addresses are at the hosts of the preset\)\./)
    assert.match(added.out, /People see what goes before it does \(inform\)\./)
    // The preset says what it gets: that it asks for nothing is no mistake.
    assert.doesNotMatch(added.out, /asks for no attributes/)
    const { serviceId: id } = (await listServiceRecords('saml'))[0]!
    const ask = ['--preset', 'eudoxus', '--disclosure', 'ask', '--legal-ground', 'Contract 12']
    const overridden = await propylaia('sp', 'override', id, ...ask, '--json')
    assert.deepEqual(JSON.parse(overridden.out).overrides, {
      preset: 'eudoxus',
      disclosure: 'ask',
      legalGround: 'Contract 12',
    })
    const approved = await propylaia('sp', 'approve', id)
    assert.match(approved.out, /Preset: eudoxus \(chosen by an administrator\)\./)
    assert.match(approved.out, /People are asked before their data goes \(ask\)\./)
    const back = ['--preset', 'none', '--disclosure', 'default', '--legal-ground', 'default']
    const none = await propylaia('sp', 'override', id, ...back, '--json')
    assert.deepEqual(JSON.parse(none.out).overrides, { preset: 'none' })
    const again = JSON.parse((await propylaia('sp', 'approve', id, '--json')).out)
    assert.deepEqual([again.preset, again.disclosure], [undefined, 'silent'])
    await propylaia('sp', 'remove', id)
  })

  it('takes no preset that is not there, and no other disclosure', async () => {
    const id = await addMinimal()
    for (const [flags, message] of [
      [
        ['--preset', 'eudoxos'],
        /--preset takes one of none, academic-id, .*default, got "eudoxos"/,
      ],
      [['--disclosure', 'shout'], /--disclosure takes ask, inform, silent or default/],
      [['--legal-ground', ' '], /--legal-ground takes a text of 1 to 500 characters/],
      [['--release', 'email'], /--release: "email" is not a name in docs/],
    ] as const) {
      const { code, err } = await propylaia('sp', 'override', id, ...flags)
      assert.equal(code, 2)
      assert.match(err, message)
    }
    assert.deepEqual(JSON.parse((await propylaia('sp', 'list', '--json')).out)[0].overrides, {})
    await propylaia('sp', 'remove', id)
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

  it('takes an administrator’s word on what a client gets', async () => {
    const [{ clientId }] = JSON.parse((await propylaia('client', 'list', '--json')).out)
    const flags = ['--preset', 'eclass', '--block', 'mail', '--disclosure', 'inform', '--json']
    const overridden = await propylaia('client', 'override', clientId, ...flags)
    assert.deepEqual(JSON.parse(overridden.out), {
      clientId,
      overrides: { block: ['mail'], preset: 'eclass', disclosure: 'inform' },
    })
    assert.equal(audited.at(-1)?.event, 'service.override')
    assert.match(
      (await propylaia('client', 'approve', clientId)).out,
      /Preset: eclass .*\n.*\(inform\)/,
    )
    const reset = await propylaia('client', 'override', clientId, '--reset', '--json')
    assert.deepEqual(JSON.parse(reset.out).overrides, {})
    const saml = await propylaia('client', 'override', clientId, '--sign-assertions', 'yes')
    assert.equal(saml.code, 2)
  })
})
