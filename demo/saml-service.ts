import { type Profile, SAML, ValidateInResponseTo } from '@node-saml/node-saml'
import { DOMParser } from '@xmldom/xmldom'
import type { Express, Request } from 'express'
import type { DemoKeys } from './demo-keys.ts'
import { fetchIdentityProvider, samlServiceMetadata } from './saml-metadata.ts'
import {
  createServiceApp,
  html,
  languageOf,
  panel,
  type Row,
  type ServiceFace,
  ServiceSessions,
  sendFrontPage,
  sendPage,
  sendProblem,
} from './service-page.ts'
import { texts } from './service-texts.ts'

export const secretariat: ServiceFace = {
  key: 'secretariat',
  name: { el: 'Ηλεκτρονική Γραμματεία (δοκιμαστική)', en: 'e-Secretariat (demo)' },
  description: {
    el: 'Δηλώσεις μαθημάτων, βαθμοί και πιστοποιητικά. Μια φανταστική υπηρεσία που συνδέεται με SAML 2.0.',
    en: 'Course registration, grades and certificates. An imaginary service that signs in over SAML 2.0.',
  },
  icon: 'M4 20V9l8-5 8 5v11M4 20h16M9 20v-6h6v6M8 10.5h.01M12 10.5h.01M16 10.5h.01',
}

const saml = 'urn:oasis:names:tc:SAML:2.0:assertion'

/** What one response told the service. */
interface Received {
  /** NameID and SessionIndex, which a logout names. */
  readonly subject: Profile
  readonly name: string
  readonly attributes: readonly Row[]
  readonly signIn: readonly Row[]
  readonly isEncrypted: boolean
  readonly assertionXml: string
}

/** The demo's SAML 2.0 service provider, on node-saml. */
export function createSamlService(options: {
  /** Our own address, without a trailing slash. */
  url: string
  /** The identity provider's. */
  baseUrl: string
  keys: DemoKeys
}): Express {
  const { url, baseUrl, keys } = options
  const entityId = samlEntityId(url)
  const app = createServiceApp([new URL(baseUrl).origin])
  const sessions = new ServiceSessions<Received>('demo-secretariat')
  const requests = rememberedRequests()

  app.get('/', (req, res) => {
    const received = sessions.find(req)
    if (!received) return sendFrontPage(req, res, secretariat)
    const language = languageOf(req)
    sendPage(req, res, secretariat, {
      title: texts.attributes[language],
      body: html`<h1>${texts.welcome[language].replace('{name}', received.name)}</h1>
        <p class="lead">${texts.received[language]}</p>
        <div class="actions">
          <a class="button second" href="/login?again=1">${texts.again[language]}</a>
          <form method="post" action="/logout"><button class="button">${texts.signOut[language]}</button></form>
        </div>
        <h2>${texts.attributes[language]}</h2>
        ${panel(received.attributes, language)}
        <h2>${texts.session[language]}</h2>
        ${panel(
          [
            ...received.signIn,
            {
              name: texts.encrypted[language],
              values: [received.isEncrypted ? texts.yes[language] : texts.no[language]],
            },
          ],
          language,
        )}
        <details><summary>${texts.xml[language]}</summary><pre>${received.assertionXml}</pre></details>`,
    })
  })

  app.get('/metadata', (_req, res) => {
    res.type('application/samlmetadata+xml').send(demoSamlMetadata(url, keys))
  })

  app.get('/login', async (req, res) => {
    try {
      const provider = await connect({ forceAuthn: req.query.again === '1' })
      res.redirect(303, await provider.getAuthorizeUrlAsync('', undefined, {}))
    } catch (error) {
      sendProblem(req, res, secretariat, error)
    }
  })

  app.post('/acs', async (req, res) => {
    try {
      const provider = await connect({})
      const { profile } = await provider.validatePostResponseAsync(req.body)
      if (!profile) throw new Error('The response holds no assertion.')
      const received = readAssertion(profile.getAssertionXml?.() ?? '', isEncrypted(req))
      sessions.start(req, res, { subject: profile, ...received })
      res.redirect(303, '/')
    } catch (error) {
      sendProblem(req, res, secretariat, error)
    }
  })

  app.post('/logout', async (req, res) => {
    const received = sessions.end(req, res)
    if (!received) return res.redirect(303, '/')
    try {
      const provider = await connect({})
      res.redirect(303, await provider.getLogoutUrlAsync(received.subject, '', {}))
    } catch (error) {
      sendProblem(req, res, secretariat, error)
    }
  })

  // A LogoutRequest, often in a frame of the identity provider's logout page, or the LogoutResponse to
  // ours (SAML Profiles 4.4). The library takes a message without a signature: we do not.
  app.get('/slo', async (req, res) => {
    try {
      if (!['Signature', 'SigAlg'].every((name) => typeof req.query[name] === 'string')) {
        throw new Error('The logout message is not signed.')
      }
      const provider = await connect({})
      const query = req.originalUrl.slice(req.originalUrl.indexOf('?') + 1)
      const { profile } = await provider.validateRedirectAsync(
        Object.fromEntries(Object.entries(req.query).map(([name, value]) => [name, String(value)])),
        query,
      )
      if (!profile) return res.redirect(303, '/signed-out')
      // By its names and not by the cookie, which a browser may hold back in a frame.
      sessions.endAll(
        ({ subject }) =>
          subject.nameID === profile.nameID &&
          (profile.sessionIndex === undefined || subject.sessionIndex === profile.sessionIndex),
      )
      const relayState = typeof req.query.RelayState === 'string' ? req.query.RelayState : ''
      res.redirect(303, await provider.getLogoutResponseUrlAsync(profile, relayState, {}, true))
    } catch (error) {
      sendProblem(req, res, secretariat, error)
    }
  })

  app.get('/signed-out', (req, res) => {
    const language = languageOf(req)
    sendFrontPage(req, res, secretariat, html`<p class="lead">${texts.signedOut[language]}</p>`)
  })

  return app

  /** The metadata is read at each sign-in: start order does not matter, and key changes are seen. */
  async function connect(request: { forceAuthn?: boolean }): Promise<SAML> {
    const identityProvider = await fetchIdentityProvider(`${baseUrl}/saml/metadata`)
    return new SAML({
      issuer: entityId,
      audience: entityId,
      callbackUrl: `${url}/acs`,
      entryPoint: identityProvider.singleSignOnUrl,
      logoutUrl: identityProvider.singleLogoutUrl,
      logoutCallbackUrl: `${url}/slo`,
      idpIssuer: identityProvider.entityId,
      idpCert: [...identityProvider.certificates],
      privateKey: keys.samlPrivateKey,
      decryptionPvk: keys.samlPrivateKey,
      signatureAlgorithm: 'sha256',
      digestAlgorithm: 'sha256',
      identifierFormat: null,
      disableRequestedAuthnContext: true,
      forceAuthn: request.forceAuthn ?? false,
      wantAuthnResponseSigned: true,
      wantAssertionsSigned: true,
      validateInResponseTo: ValidateInResponseTo.always,
      acceptedClockSkewMs: 180_000,
      cacheProvider: requests,
    })
  }
}

function samlEntityId(url: string): string {
  return `${url}/metadata`
}

export function demoSamlMetadata(url: string, keys: DemoKeys): string {
  return samlServiceMetadata({
    entityId: samlEntityId(url),
    url,
    face: secretariat,
    certificatePem: keys.samlCertificate,
  })
}

/** IDs of requests that wait for a response: one hour, the oldest first to go. */
function rememberedRequests() {
  const lifetimeMs = 3_600_000
  const items = new Map<string, { value: string; createdAt: number }>()
  return {
    async saveAsync(key: string, value: string) {
      const oldest = items.keys().next().value
      if (items.size >= 1000 && oldest !== undefined) items.delete(oldest)
      const item = { value, createdAt: Date.now() }
      items.set(key, item)
      return item
    },
    async getAsync(key: string) {
      const item = items.get(key)
      return item && Date.now() - item.createdAt < lifetimeMs ? item.value : null
    },
    async removeAsync(key: string | null) {
      return key !== null && items.delete(key) ? key : null
    },
  }
}

function isEncrypted(req: Request): boolean {
  const response = Buffer.from(String(req.body.SAMLResponse), 'base64').toString('utf8')
  return /<([\w-]+:)?EncryptedAssertion[\s>]/.test(response)
}

/** Reads what node-saml verified; only that element, nothing else of the response. */
function readAssertion(assertionXml: string, encrypted: boolean): Omit<Received, 'subject'> {
  const root = new DOMParser().parseFromString(assertionXml, 'text/xml').documentElement
  const first = (name: string) => root.getElementsByTagNameNS(saml, name)[0]
  const attributes = Array.from(root.getElementsByTagNameNS(saml, 'Attribute')).map(
    (attribute): Row => ({
      name: attribute.getAttribute('FriendlyName') || (attribute.getAttribute('Name') ?? ''),
      formalName: attribute.getAttribute('Name') ?? '',
      values: Array.from(attribute.getElementsByTagNameNS(saml, 'AttributeValue')).map(
        (value) => value.textContent ?? '',
      ),
    }),
  )
  const statement = first('AuthnStatement')
  const signIn: Row[] = [
    {
      name: 'NameID',
      formalName: first('NameID')?.getAttribute('Format') ?? '',
      values: [first('NameID')?.textContent ?? ''],
    },
    { name: 'SessionIndex', values: [statement?.getAttribute('SessionIndex') ?? ''] },
    { name: 'AuthnContextClassRef', values: [first('AuthnContextClassRef')?.textContent ?? ''] },
    { name: 'AuthnInstant', values: [statement?.getAttribute('AuthnInstant') ?? ''] },
    { name: 'SessionNotOnOrAfter', values: [statement?.getAttribute('SessionNotOnOrAfter') ?? ''] },
    { name: 'Issuer', values: [first('Issuer')?.textContent ?? ''] },
  ]
  const textOf = (name: string) => attributes.find((row) => row.name === name)?.values[0]
  return {
    name: textOf('displayName') ?? textOf('eduPersonPrincipalName') ?? '',
    attributes,
    signIn,
    isEncrypted: encrypted,
    assertionXml,
  }
}
