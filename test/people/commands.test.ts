import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { MemoryStore } from 'express-session'
import { demoRegistryCsv, demoRegistryRows } from '../../demo/people.ts'
import type { AuditEvent } from '../../src/audit/audit-log.ts'
import { accountCommand } from '../../src/cli/account.ts'
import type { CliContext } from '../../src/cli/cli-context.ts'
import { registryCommand } from '../../src/cli/registry.ts'
import type { Config } from '../../src/config.ts'
import type { Institution } from '../../src/institution.ts'
import { completeActivation } from '../../src/people/activation.ts'
import { findAccountByUsername } from '../../src/people/people-store.ts'
import { useStore } from '../support/store.ts'
import { fixedSecrets, makeAmka } from './support.ts'

useStore()
const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'propylaia-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

const events: AuditEvent[] = []
const context = {
  config: { scope: 'uni.example.gr' } as Config,
  institution: {} as Institution,
  secrets: fixedSecrets(),
  audit: { record: (event: AuditEvent) => events.push(event), close: async () => {} },
  now: () => new Date(),
  messages: { deliveries: async () => new Map() } as never,
  sessionStore: new MemoryStore(),
  // These commands need no more.
} as unknown as CliContext

/** Runs a command in this process: a process of its own takes a second to start. */
async function propylaia([name, ...args]: string[]): Promise<Outcome> {
  const stdout = capture(process.stdout)
  const stderr = capture(process.stderr)
  const command = name === 'registry' ? registryCommand : accountCommand
  try {
    const code = await command(context, args)
    return { code, stdout: stdout.text(), stderr: stderr.text() }
  } finally {
    stdout.stop()
    stderr.stop()
  }
}

/** Takes the texts written to a stream; the test runner's own reports are bytes and pass. */
function capture(stream: NodeJS.WriteStream) {
  const write = stream.write
  let text = ''
  stream.write = ((chunk: string | Uint8Array, ...rest: []) => {
    if (typeof chunk !== 'string') return write.call(stream, chunk, ...rest)
    text += chunk
    return true
  }) as typeof stream.write
  return {
    text: () => text,
    stop: () => {
      stream.write = write
    },
  }
}

/** The command line as people start it, on a data directory of its own. */
function propylaiaProcess(args: string[], input = ''): Promise<Outcome> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(root, 'src/cli/cli.ts'), ...args],
    {
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'test',
        DEMO: 'false',
        DATA_DIR: join(folder, 'data'),
        CERTS_DIR: join(folder, 'certs'),
        METADATA_DIR: join(folder, 'metadata'),
        SAML_KEY_TYPE: 'rsa-2048',
      },
    },
  )
  const outcome: Outcome = { code: null, stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    outcome.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    outcome.stderr += text
  })
  child.stdin.end(input)
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ ...outcome, code }))
  })
}

const fixture = (name: string) => join(root, 'test/fixtures/registry', name)

describe('propylaia registry import', () => {
  it('shows in a dry run what would happen, with code 0 when all is well', async () => {
    const { code, stdout } = await propylaia([
      'registry',
      'import',
      fixture('people.csv'),
      '--dry-run',
    ])
    assert.equal(code, 0)
    assert.match(stdout, /line 2 {2}sis:1001 {2}would be created\n/)
    assert.match(stdout, /5 rows: 5 created, 0 changed, 0 unchanged, 0 rejected/)
    assert.match(stdout, /nothing was written/)
  })

  it('takes the good rows, lists the others with reasons, and ends with code 1', async () => {
    const { code, stdout } = await propylaia([
      'registry',
      'import',
      fixture('people-with-mistakes.csv'),
    ])
    assert.equal(code, 1)
    for (const expected of [
      'line 7  sis:2001  amka "*********99" has a wrong digit (AMKA_CHECK_DIGIT_WRONG)',
      'line 8  sis:2002  username "Bad Two"',
      'line 9  sis:2003  mobile "2100000000"',
      'line 9  sis:2003  email "bad3@uni.example.gr" is the institution',
      'line 10  sis:2004  firstNameEl must not be empty in a Greek record',
      'line 11  -  sourceId must not be empty',
      'line 12  sis:1001  sourceId "1001" stands in the file before, line 2',
      'line 13  sis:2007  username "dpapadopoulou" belongs to another person',
      'line 14  sis:2008  amka "*********13" does not fit the birth date',
      'line 15  -  row has more or fewer values',
      'line 16  -  row has quotes that do not match',
      '15 rows: 5 created, 0 changed, 0 unchanged, 10 rejected',
      '4 new people, 3 new accounts',
    ]) {
      assert.ok(stdout.includes(expected), `${expected}\nin\n${stdout}`)
    }
    assert.ok(!stdout.includes(makeAmka('2003-05-17', 4321)))
  })

  it('gives one JSON object with --json', async () => {
    const path = join(folder, 'demo.csv')
    writeFileSync(path, demoRegistryCsv())
    const { code, stdout } = await propylaia(['registry', 'import', path, '--json'])
    const report = JSON.parse(stdout)
    // The demo and the sample file both name a dpapadopoulou.
    assert.equal(report.rows, demoRegistryRows().length)
    assert.equal(report.rejected, report.rejectedRows.length)
    assert.equal(report.rejected, 1)
    assert.equal(report.rejectedRows[0].problems[0].reason, 'USERNAME_OF_ANOTHER_PERSON')
    assert.equal(report.created, report.rows - 1)
    assert.equal(code, 1)
    const again = JSON.parse((await propylaia(['registry', 'import', path, '--json'])).stdout)
    assert.equal(again.unchanged, report.rows - 1)
  })

  it('ends with code 2 and says why when used wrongly or the file is no registry file', async () => {
    for (const [args, message] of [
      [['registry'], /expected: registry import FILE/],
      [['registry', 'import', 'x', '--force'], /--force needs --full/],
      [['registry', 'import', join(folder, 'missing.csv')], /cannot read .*missing\.csv/],
      [['registry', 'import', join(root, 'LICENSE')], /the header lacks source, sourceId, role/],
    ] as [string[], RegExp][]) {
      const { code, stderr, stdout } = await propylaia(args)
      assert.equal(code, 2, stdout)
      assert.match(stderr, message)
    }
  })
})

describe('propylaia account', () => {
  it('activates with a made-up password that is printed once, and shows no secret', async () => {
    const created = await propylaia(['account', 'create', 'dpapadopoulou', '--activate'])
    assert.equal(created.code, 0, created.stderr)
    assert.match(created.stdout, /^dpapadopoulou: active\npassword: [a-z0-9-]{23}\n$/)
    const { stdout } = await propylaia(['account', 'show', 'DPapadopoulou', '--json'])
    const shown = JSON.parse(stdout)
    assert.equal(shown.standing, 'active')
    assert.equal(shown.hasPassword, true)
    assert.deepEqual(shown.activation, { way: 'administrator' })
    assert.equal(shown.activatedRoles, undefined)
    assert.equal(shown.roles[0].isActivated, true)
    assert.deepEqual(shown.nationalNumbers, ['GR *********13'])
    assert.ok(!stdout.includes('argon2'))
    assert.ok(!stdout.includes('hmac'))
    assert.ok(!stdout.includes(makeAmka('2003-05-17', 4321)))
    const again = await propylaia(['account', 'create', 'dpapadopoulou', '--activate'])
    assert.equal(again.code, 1)
    assert.match(again.stderr, /is active, not pending/)
  })

  it('shows who activated it and how, for which roles, and what the person agreed to', async () => {
    await propylaia([
      ...['account', 'create', 'kguest', '--role', 'affiliate'],
      ...['--first-name-el', 'Κώστας', '--last-name-el', 'Συνεργάτης'],
    ])
    const account = await findAccountByUsername('kguest')
    assert.ok(account)
    const now = new Date('2026-10-01T08:00:00Z')
    const facts = {
      username: 'kguest',
      passwordHash: 'not shown',
      activatedRoles: ['affiliate'],
      mobile: '+306900000001',
      acceptedTerms: { terms: '2026-09', privacy: '2026-08', acceptedAt: now },
      activation: { reference: 'K7F-2QX', way: 'pin', proven: ['sms'] },
    } as const
    assert.equal(await completeActivation(account._id, facts, now), 'done')
    const { stdout } = await propylaia(['account', 'show', 'kguest'])
    for (const line of [
      'activation         reference K7F-2QX, way pin, proven sms',
      'activatedRoles     affiliate',
      'acceptedTerms      terms 2026-09, privacy 2026-08, acceptedAt 2026-10-01T08:00:00.000Z',
      'mobileConsentAt    2026-10-01T08:00:00.000Z',
    ]) {
      assert.ok(stdout.includes(`${line}\n`), `${line}\nin\n${stdout}`)
    }
    assert.ok(!stdout.includes('emailConsentAt') && !stdout.includes('not shown'))
  })

  it('is disabled with a reason and enabled again', async () => {
    const disabled = await propylaia(['account', 'disable', 'dpapadopoulou', '--reason', 'left'])
    assert.match(disabled.stdout, /dpapadopoulou: disabled/)
    const shown = JSON.parse(
      (await propylaia(['account', 'show', 'dpapadopoulou', '--json'])).stdout,
    )
    assert.deepEqual([shown.state, shown.stateReason], ['disabled', 'left'])
    const { event, username, details } = events.at(-1) as AuditEvent
    assert.deepEqual(
      [event, username, details?.reason],
      ['account.disable', 'dpapadopoulou', 'left'],
    )
    const enabled = await propylaia(['account', 'enable', 'dpapadopoulou'])
    assert.equal(enabled.stdout, 'dpapadopoulou: active\n')
  })

  it('goes back to pending when it was disabled before it was ever active', async () => {
    await propylaia(['account', 'disable', 'jmuster'])
    const enabled = await propylaia(['account', 'enable', 'jmuster'])
    assert.equal(enabled.stdout, 'jmuster: pending\n')
  })

  it('is made for a record without username, and for a new person under the rules of the registry', async () => {
    const forRecord = await propylaia(['account', 'create', 'moikonomou9', '--record', 'sis:1003'])
    assert.equal(forRecord.code, 0, forRecord.stderr)
    const byHand = (email: string) =>
      propylaia([
        ...['account', 'create', 'nvisitor', '--role', 'affiliate', '--email', email],
        ...['--first-name-el', 'Νίκη', '--last-name-el', 'Επισκέπτρια'],
      ])
    const refused = await byHand('niki@uni.example.gr')
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /institution's own/)
    const created = await byHand('niki@example.org')
    assert.equal(created.stdout, 'nvisitor: pending\n')
  })

  it('says so when there is none, and refuses a bad username with code 2', async () => {
    assert.equal((await propylaia(['account', 'show', 'nobody'])).code, 1)
    assert.equal((await propylaia(['account', 'create', 'x'])).code, 2)
    assert.equal((await propylaia(['account', 'create', 'unknown.person'])).code, 1)
    assert.equal((await propylaia(['account'])).code, 2)
  })
})

describe('propylaia in a process of its own', () => {
  it('takes a password from standard input, and finds the account again in the next process', async () => {
    const created = await propylaiaProcess(
      [
        ...['account', 'create', 'nvisitor', '--role', 'affiliate', '--first-name-el', 'Νίκη'],
        ...['--last-name-el', 'Επισκέπτρια', '--activate', '--password-stdin'],
      ],
      'μυστικό-κλειδί-42\n',
    )
    assert.equal(created.stdout, 'nvisitor: active\n', created.stderr)
    const disabled = await propylaiaProcess(['account', 'disable', 'nvisitor'])
    assert.equal(disabled.code, 0, disabled.stderr)
  })

  it('names every rule that the password breaks, and activates nothing', async () => {
    const create = ['account', 'create', 'ovisitor', '--role', 'affiliate', '--first-name-el']
    const person = ['Όλγα', '--last-name-el', 'Επισκέπτρια', '--activate', '--password-stdin']
    const refused = await propylaiaProcess([...create, ...person], 'olga12\n')
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /the password must have at least 8 characters$/m)
    assert.match(refused.stderr, /the password holds the person's name, number, phone/)
    assert.doesNotMatch(refused.stderr + refused.stdout, /olga12/)
    const shown = await propylaiaProcess(['account', 'show', 'ovisitor', '--json'])
    assert.equal(JSON.parse(shown.stdout).state, 'pending')
    assert.equal(JSON.parse(shown.stdout).hasPassword, false)
  })
})
