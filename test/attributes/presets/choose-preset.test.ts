import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { choosePreset } from '../../../src/attributes/presets/choose-preset.ts'
import type { AttributeEnvironment } from '../../../src/attributes/release-types.ts'
import { samlReleaseTarget } from '../../../src/attributes/targets.ts'
import type { RegisteredService, ServiceProvider } from '../../../src/federation/service.ts'
import { environment } from '../example-people.ts'
import { presetWith, relyingParty, serviceProvider } from './preset-support.ts'

const post = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'
const books = presetWith(['mail'])
const cloud = presetWith(['sn'], { id: 'cloud', hosts: ['cloud.books.example'] })
const other = presetWith(['uid'], { id: 'other', hosts: [] })

function withPresets(ofInstitution?: Record<string, string>): AttributeEnvironment {
  const { institution } = environment
  return {
    ...environment,
    presets: [books, cloud, other],
    institution: ofInstitution
      ? { ...institution, release: { presets: ofInstitution } }
      : institution,
  }
}

const chosen = (service: RegisteredService, ofInstitution?: Record<string, string>) => {
  const choice = choosePreset(service, withPresets(ofInstitution))
  return choice && [choice.preset.id, choice.by]
}
const at = (entityId: string, ...locations: string[]): ServiceProvider =>
  serviceProvider({
    entityId,
    assertionConsumerServices: locations.map((location) => ({ binding: post, location })),
  })

describe('presets: by itself', () => {
  it('a service gets the preset whose hosts hold its entityID and every address', () => {
    assert.deepEqual(chosen(serviceProvider()), ['books', 'address'])
    const below = at('https://sp.books.example/', 'https://a.b.books.example/acs')
    assert.deepEqual(chosen(below), ['books', 'address'])
  })

  it('the nearest host counts', () => {
    const sp = at('https://cloud.books.example/', 'https://cloud.books.example/acs')
    assert.deepEqual(chosen(sp), ['cloud', 'address'])
  })

  it('the entityID and the addresses may be at different hosts of the preset', () => {
    const sp = at('https://submit-paso.minedu.gov.gr/shibboleth', 'https://a.submit.example/acs')
    const hosts = ['submit-paso.minedu.gov.gr', 'submit.example']
    const presets = [presetWith([], { id: 'card', hosts })]
    assert.equal(choosePreset(sp, { ...environment, presets })?.preset.id, 'card')
    const half = [presetWith([], { id: 'card', hosts: hosts.slice(1) })]
    assert.equal(choosePreset(sp, { ...environment, presets: half }), undefined)
  })

  const refused: Record<string, ServiceProvider> = {
    'the entityID is elsewhere': at('https://elsewhere.example/', 'https://books.example/acs'),
    'the entityID is no address': at('urn:books.example', 'https://books.example/acs'),
    'one address is elsewhere': at(
      'https://books.example/',
      'https://books.example/acs',
      'https://elsewhere.example/acs',
    ),
    'one address is not https': at('https://books.example/', 'http://books.example/acs'),
    'a host only ends like it': at('https://books.example/', 'https://notbooks.example/acs'),
    'the host is in the user part': at(
      'https://books.example/',
      'https://books.example@elsewhere.example/acs',
    ),
    'the host is a label of another': at(
      'https://books.example.elsewhere.example/',
      'https://books.example.elsewhere.example/acs',
    ),
  }
  for (const [reason, sp] of Object.entries(refused)) {
    it(`none when ${reason}`, () => assert.equal(chosen(sp), undefined))
  }

  it('a client gets it when every redirect_uri is there, whatever it calls itself', () => {
    const client = (...uris: string[]) => relyingParty({ redirect_uris: uris })
    assert.deepEqual(chosen(client('https://books.example/cb')), ['books', 'address'])
    assert.equal(
      chosen(client('https://books.example/cb', 'https://elsewhere.example/cb')),
      undefined,
    )
    assert.equal(chosen(client()), undefined)
    assert.equal(chosen(relyingParty({})), undefined)
    const pretender = relyingParty(
      { redirect_uris: ['https://elsewhere.example/cb'] },
      { clientId: 'https://books.example/' },
    )
    assert.equal(chosen(pretender), undefined)
  })
})

describe('presets: by choice', () => {
  const sp = serviceProvider()
  const overridden = (preset: string) => serviceProvider({ overrides: { preset } })

  it('an administrator’s choice goes before the institution’s, and that before the address', () => {
    const ofInstitution = { [sp.entityId]: 'cloud' }
    assert.deepEqual(chosen(overridden('other'), ofInstitution), ['other', 'administrator'])
    assert.deepEqual(chosen(sp, ofInstitution), ['cloud', 'institution'])
  })

  it('"none" switches the preset off that would fit', () => {
    assert.equal(chosen(overridden('none'), { [sp.entityId]: 'cloud' }), undefined)
    assert.equal(chosen(sp, { [sp.entityId]: 'none' }), undefined)
  })

  it('the institution file knows clients by client_id, and no name from JavaScript itself', () => {
    assert.deepEqual(chosen(relyingParty({}), { 'client-1': 'other' }), ['other', 'institution'])
    assert.equal(chosen(relyingParty({}, { clientId: 'constructor' }), {}), undefined)
  })

  it('one that was chosen and is gone releases nothing, rather than what the metadata asks', () => {
    const target = samlReleaseTarget(overridden('removed'), withPresets())
    assert.equal(target.preset?.id, 'removed')
    assert.deepEqual(target.preset?.attributes, [])
  })
})
