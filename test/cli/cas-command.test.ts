import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { beforeEach, describe, it } from 'node:test'
import type { AuditEvent } from '../../src/audit/audit-log.ts'
import { casCommand } from '../../src/cli/cas.ts'
import type { CliContext } from '../../src/cli/cli-context.ts'
import {
  clearServiceCache,
  findCasServiceFor,
  serviceRecords,
} from '../../src/federation/service-store.ts'
import { useStore } from '../support/store.ts'
import { takeOutput } from './support.ts'

useStore()
const key = randomBytes(32)
const audited: AuditEvent[] = []
const context = {
  now: () => new Date('2027-01-15T12:00:00Z'),
  audit: { record: (event: AuditEvent) => audited.push(event), close: async () => {} },
  config: { presetsDir: undefined, scope: 'uni.example.gr', baseUrl: 'https://sso.uni.example.gr' },
  institution: {},
  secrets: { get: () => key },
} as unknown as CliContext

async function cas(...args: string[]) {
  let failure: Error | undefined
  const printed = await takeOutput(() =>
    casCommand(context, args).catch((error) => {
      failure = error as Error
      return 1
    }),
  )
  return failure ? { ...printed, err: failure.message } : printed
}

const eclass = 'https://eclass.uni.example.gr/'

describe('propylaia cas', () => {
  beforeEach(async () => {
    await serviceRecords().deleteMany({})
    clearServiceCache()
    audited.length = 0
  })

  it('registers a service, approved, in one form of its pattern', async () => {
    const added = await cas('add', 'https://EClass.uni.example.gr/*', '--name', 'eClass', '--json')
    assert.equal(added.code, 0, added.err)
    assert.deepEqual(JSON.parse(added.out), {
      urlPattern: eclass,
      state: 'approved',
      disclosure: 'silent',
      overrides: {},
    })
    assert.equal(audited[0]?.event, 'service.register')
    const service = await findCasServiceFor('https://eclass.uni.example.gr/modules/auth/cas.php')
    assert.equal(service?.displayName.en, 'eClass')
    assert.equal(service?.startUrl, eclass)
  })

  it('takes what goes, what the user is, and whether proxy tickets may be had', async () => {
    const { out } = await cas(
      'add',
      eclass,
      ...['--name', 'Μαθήματα', '--name-en', 'Courses', '--attributes', 'mail,sn'],
      ...['--contact', 'admin@uni.example.gr', '--privacy-url', 'https://uni.example.gr/privacy'],
      ...['--logout-url', 'https://eclass.uni.example.gr/out', '--start-url', 'https://start.gr/'],
      ...['--allow-proxy', '--user', 'mail', '--disclosure', 'ask'],
    )
    assert.match(out, /Courses is registered and approved/)
    assert.match(out, /It may get proxy tickets/)
    const service = await findCasServiceFor(eclass)
    assert.deepEqual(service?.displayName, { el: 'Μαθήματα', en: 'Courses' })
    assert.equal(service?.logoutUrl, 'https://eclass.uni.example.gr/out')
    assert.equal(service?.startUrl, 'https://start.gr/')
    assert.deepEqual(service?.contacts, ['admin@uni.example.gr'])
    assert.deepEqual(service?.overrides, {
      disclosure: 'ask',
      userAttribute: 'mail',
      allowProxy: true,
    })
  })

  it('says what is wrong before anything is registered', async () => {
    for (const args of [
      ['add', eclass],
      ['add', eclass, '--name', 'x', '--attributes', 'shoeSize'],
      ['add', eclass, '--name', 'x', '--preset', 'nothing'],
      ['add', eclass, '--name', 'x', '--user', 'schGrAcPersonSSN'],
      ['add', eclass, '--name', 'x', '--logout-url', 'https://evil.example/'],
      ['add', eclass, '--name', 'x', '--start-url', 'javascript:alert(1)'],
      ['add', 'https://*.gr/', '--name', 'x'],
      ['add', 'http://eclass.uni.example.gr/', '--name', 'x'],
      ['add'],
    ]) {
      const { code, err } = await cas(...args)
      assert.notEqual(code, 0, args.join(' '))
      assert.notEqual(err, '', args.join(' '))
    }
    assert.equal(await serviceRecords().countDocuments(), 0)
  })

  it('lists, overrides and removes by any form of the pattern', async () => {
    await cas('add', eclass, '--name', 'eClass', '--preset', 'eclass', '--allow-proxy')
    const again = await cas('add', eclass, '--name', 'eClass 2')
    assert.equal(again.code, 0, again.err)
    const overridden = await cas(
      'override',
      'https://ECLASS.uni.example.gr',
      '--user',
      'pairwise',
      '--allow-proxy',
      'no',
      '--json',
    )
    assert.deepEqual(JSON.parse(overridden.out), {
      urlPattern: eclass,
      overrides: { preset: 'eclass', allowProxy: false, userAttribute: 'pairwise' },
    })
    const [listed] = JSON.parse((await cas('list', '--json')).out)
    assert.equal(listed.urlPattern, eclass)
    assert.equal(listed.name, 'eClass 2')
    assert.equal(listed.allowProxy, false)
    assert.equal((await cas('remove', 'https://eclass.uni.example.gr:443/')).code, 0)
    assert.equal(await findCasServiceFor(eclass), undefined)
    assert.notEqual((await cas('remove', eclass)).code, 0)
  })
})
