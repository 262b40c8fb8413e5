import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { registerServiceProvider } from '../../src/federation/registration.ts'
import { consentPage, decide, textOf } from '../consent/consent-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import {
  newPerson,
  pathOf,
  postedForm,
  redirectOf,
  serviceLibrary,
  serviceMetadata,
  signIn,
} from './sso-support.ts'

const go = { decision: 'agree' }
const refeds = 'https://refeds.org/category'

describe('SAML SSO: a service of another federation gets what its category says', () => {
  let app: TestApp
  let folder: string
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'propylaia-categories-'))
    const demo = readFileSync(new URL('../../demo/institution.json', import.meta.url), 'utf8')
    const release = { entityCategories: ['anonymous', 'personalized'] }
    const file = join(folder, 'institution.json')
    writeFileSync(file, JSON.stringify({ ...JSON.parse(demo), release }))
    app = await startTestApp({ INSTITUTION_FILE: file })
  })
  after(async () => {
    await app.close()
    rmSync(folder, { recursive: true })
  })

  /** Where a sign-in to it leads. It requires eduPersonPrincipalName, displayName and affiliation. */
  async function signInAt(host: string, categories: readonly string[]) {
    const options = { entityId: `https://${host}/sp`, acsUrl: `https://${host}/acs` }
    const values = categories.map(
      (category) => `<saml:AttributeValue>${category}</saml:AttributeValue>`,
    )
    const extensions = `<md:Extensions><mdrpi:RegistrationInfo xmlns:mdrpi="urn:oasis:names:tc:SAML:metadata:rpi" registrationAuthority="http://registrar.example/"/><mdattr:EntityAttributes xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute"><saml:Attribute xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Name="http://macedir.org/entity-category">${values.join('')}</saml:Attribute></mdattr:EntityAttributes></md:Extensions>`
    const xml = serviceMetadata(options).replace(
      '<md:SPSSODescriptor',
      `${extensions}<md:SPSSODescriptor`,
    )
    await registerServiceProvider(xml, { origin: 'test', approve: true })
    const { client, account } = await newPerson(app)
    const asked = await client.get(
      pathOf(await serviceLibrary(app, options).getAuthorizeUrlAsync('', undefined, {})),
    )
    const answer = await signIn(client, asked, account.username)
    return { client, answer }
  }

  it('after a notice that names the data, the reason and the ground', async () => {
    const { client, answer } = await signInAt('anonymous.example', [`${refeds}/anonymous`])
    const page = await consentPage(client, answer)
    const text = textOf(page.body)
    assert.match(text, /στοιχεία που παίρνουν οι υπηρεσίες της κατηγορίας της/)
    assert.match(text, /Έννομο συμφέρον/)
    const { xml } = postedForm(await client.get(redirectOf(await decide(client, page, go))))
    const names = [...xml.matchAll(/FriendlyName="([^"]+)"/g)].map(([, name]) => name)
    assert.deepEqual(names.sort(), ['eduPersonScopedAffiliation', 'schacHomeOrganization'])
  })

  it('and in Anonymous Access no persistent NameID, whatever its request says', async () => {
    const { client } = await newPerson(app)
    const options = {
      entityId: 'https://anonymous.example/sp',
      acsUrl: 'https://anonymous.example/acs',
    }
    const identifierFormat = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'
    const service = serviceLibrary(app, options, { identifierFormat })
    const asked = await client.get(pathOf(await service.getAuthorizeUrlAsync('', undefined, {})))
    const { xml } = postedForm(asked)
    assert.match(xml, /status:InvalidNameIDPolicy/)
    assert.doesNotMatch(xml, /<saml:NameID/)
  })

  it('and nothing that it merely requires, where it has no category that counts here', async () => {
    const { client, answer } = await signInAt('stranger.example', [`${refeds}/pseudonymous`])
    const page = await consentPage(client, answer)
    const { xml } = postedForm(await client.get(redirectOf(await decide(client, page, go))))
    assert.match(xml, /status:Success/)
    assert.doesNotMatch(xml, /<saml:Attribute /)
  })
})
