import type { Express } from 'express'
import * as client from 'openid-client'
import type { DemoKeys } from './demo-keys.ts'
import { readLogoutToken } from './logout-token.ts'
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

export const library: ServiceFace = {
  key: 'library',
  name: { el: 'Βιβλιοθήκη (δοκιμαστική)', en: 'Library (demo)' },
  description: {
    el: 'Δανεισμοί, κρατήσεις και ηλεκτρονικά περιοδικά. Μια φανταστική υπηρεσία που συνδέεται με OpenID Connect.',
    en: 'Loans, reservations and electronic journals. An imaginary service that signs in over OpenID Connect.',
  },
  icon: 'M4 5.5A2.5 2.5 0 0 1 6.5 3H11v16H6.5A2.5 2.5 0 0 0 4 21.5zM20 5.5A2.5 2.5 0 0 0 17.5 3H13v16h4.5a2.5 2.5 0 0 1 2.5 2.5z',
}

const libraryClientId = 'library-demo'

const scope = 'openid profile email eduperson schac_personal_unique_code'

interface Received {
  readonly idToken: string
  readonly idTokenClaims: Record<string, unknown>
  readonly userInfo: Record<string, unknown>
  readonly refreshToken?: string
  readonly expiresAt: Date
  readonly refreshes: number
}

/** A sign-in that was begun in this browser. */
interface Pending {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

/** The client registration of the demo library (RFC 7591). */
export function libraryMetadata(url: string, keys: DemoKeys): Record<string, unknown> {
  return {
    client_id: libraryClientId,
    client_secret: keys.oidcClientSecret,
    client_name: library.name.en,
    'client_name#el': library.name.el,
    'client_name#en': library.name.en,
    client_uri: url,
    redirect_uris: [`${url}/callback`],
    post_logout_redirect_uris: [`${url}/signed-out`],
    backchannel_logout_uri: `${url}/signed-out-elsewhere`,
    backchannel_logout_session_required: true,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
    scope,
  }
}

/** The demo's OpenID Connect relying party, on openid-client: confidential, code flow with PKCE. */
export function createOidcService(options: {
  /** Our own address, without a trailing slash. */
  url: string
  /** The identity provider's, which is the issuer. */
  baseUrl: string
  keys: DemoKeys
}): Express {
  const { url, baseUrl, keys } = options
  const app = createServiceApp([new URL(baseUrl).origin])
  const sessions = new ServiceSessions<Received>('demo-library')
  const pendings = new ServiceSessions<Pending[]>('demo-library-pending')

  app.get('/', (req, res) => {
    const received = sessions.find(req)
    if (!received) return sendFrontPage(req, res, library)
    const language = languageOf(req)
    const { idTokenClaims, userInfo } = received
    const name = String(userInfo.name ?? userInfo.preferred_username ?? userInfo.sub)
    sendPage(req, res, library, {
      title: texts.attributes[language],
      body: html`<h1>${texts.welcome[language].replace('{name}', name)}</h1>
        <p class="lead">${texts.received[language]}</p>
        <div class="actions">
          <form method="post" action="/refresh"><button class="button second">${texts.refresh[language]}</button></form>
          <a class="button second" href="/login?again=1">${texts.again[language]}</a>
          <form method="post" action="/logout"><button class="button">${texts.signOut[language]}</button></form>
        </div>
        <h2>${texts.userInfo[language]}</h2>
        ${panel(rowsOf(userInfo), language)}
        <h2>${texts.idToken[language]}</h2>
        ${panel(rowsOf(idTokenClaims), language)}
        <h2>${texts.tokens[language]}</h2>
        ${panel(
          [
            { name: texts.accessToken[language], values: [received.expiresAt.toISOString()] },
            {
              name: texts.refreshToken[language],
              values: [received.refreshToken ? texts.present[language] : texts.absent[language]],
            },
            { name: texts.refreshes[language], values: [String(received.refreshes)] },
          ],
          language,
        )}`,
    })
  })

  app.get('/login', async (req, res) => {
    try {
      const codeVerifier = client.randomPKCECodeVerifier()
      const pending = { state: client.randomState(), nonce: client.randomNonce(), codeVerifier }
      // Several tabs may sign in at once: each answer finds its own by state.
      pendings.start(req, res, [...(pendings.find(req) ?? []).slice(-9), pending])
      const target = client.buildAuthorizationUrl(await discover(), {
        redirect_uri: `${url}/callback`,
        scope,
        state: pending.state,
        nonce: pending.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        ui_locales: languageOf(req),
        ...(req.query.again === '1' ? { prompt: 'login' } : {}),
      })
      res.redirect(303, target.href)
    } catch (error) {
      sendProblem(req, res, library, error)
    }
  })

  app.get('/callback', async (req, res) => {
    try {
      const pending = pendings.find(req)?.find(({ state }) => state === req.query.state)
      if (!pending) throw new Error('This browser did not begin the sign-in, or long ago.')
      const configuration = await discover()
      const tokens = await client.authorizationCodeGrant(
        configuration,
        new URL(req.originalUrl, url),
        {
          pkceCodeVerifier: pending.codeVerifier,
          expectedState: pending.state,
          expectedNonce: pending.nonce,
          idTokenExpected: true,
        },
      )
      const claims = tokens.claims()
      if (!claims || !tokens.id_token) throw new Error('The token response holds no ID token.')
      sessions.start(req, res, {
        idToken: tokens.id_token,
        idTokenClaims: { ...claims },
        userInfo: await client.fetchUserInfo(configuration, tokens.access_token, claims.sub),
        refreshToken: tokens.refresh_token,
        expiresAt: new Date(Date.now() + (tokens.expires_in ?? 0) * 1000),
        refreshes: 0,
      })
      res.redirect(303, '/')
    } catch (error) {
      sendProblem(req, res, library, error)
    }
  })

  app.post('/refresh', async (req, res) => {
    const received = sessions.find(req)
    if (!received?.refreshToken) return res.redirect(303, '/')
    try {
      const configuration = await discover()
      const tokens = await client.refreshTokenGrant(configuration, received.refreshToken)
      const sub = String(received.idTokenClaims.sub)
      sessions.start(req, res, {
        ...received,
        idToken: tokens.id_token ?? received.idToken,
        idTokenClaims: { ...(tokens.claims() ?? received.idTokenClaims) },
        userInfo: await client.fetchUserInfo(configuration, tokens.access_token, sub),
        refreshToken: tokens.refresh_token ?? received.refreshToken,
        expiresAt: new Date(Date.now() + (tokens.expires_in ?? 0) * 1000),
        refreshes: received.refreshes + 1,
      })
      res.redirect(303, '/')
    } catch (error) {
      sessions.end(req, res)
      sendProblem(req, res, library, error)
    }
  })

  app.post('/logout', async (req, res) => {
    const received = sessions.end(req, res)
    if (!received) return res.redirect(303, '/')
    try {
      const target = client.buildEndSessionUrl(await discover(), {
        id_token_hint: received.idToken,
        post_logout_redirect_uri: `${url}/signed-out`,
        ui_locales: languageOf(req),
      })
      res.redirect(303, target.href)
    } catch (error) {
      sendProblem(req, res, library, error)
    }
  })

  // The sign-in that this session came from is over (Back-Channel Logout 1.0, 2.5 to 2.8).
  app.post('/signed-out-elsewhere', async (req, res) => {
    try {
      const { issuer, jwks_uri: jwksUri = '' } = (await discover()).serverMetadata()
      const token = String(req.body?.logout_token ?? '')
      const { sub, sid } = await readLogoutToken(token, {
        issuer,
        clientId: libraryClientId,
        jwksUri,
      })
      sessions.endAll(({ idTokenClaims }) =>
        sid === undefined ? idTokenClaims.sub === sub : idTokenClaims.sid === sid,
      )
      res.status(200).end()
    } catch (error) {
      const description = (error as Error).message
      res.status(400).json({ error: 'invalid_request', error_description: description })
    }
  })

  app.get('/signed-out', (req, res) => {
    const language = languageOf(req)
    sendFrontPage(req, res, library, html`<p class="lead">${texts.signedOut[language]}</p>`)
  })

  return app

  /** Discovery at each use: start order does not matter, and a restarted provider is met afresh. */
  function discover(): Promise<client.Configuration> {
    const isHttp = baseUrl.startsWith('http:')
    return client.discovery(
      new URL(baseUrl),
      libraryClientId,
      undefined,
      client.ClientSecretBasic(keys.oidcClientSecret),
      isHttp ? { execute: [client.allowInsecureRequests] } : {},
    )
  }
}

function rowsOf(claims: Record<string, unknown>): Row[] {
  return Object.entries(claims).map(([name, value]) => ({
    name,
    values: (Array.isArray(value) ? value : [value]).map((one) =>
      ['iat', 'exp', 'auth_time'].includes(name)
        ? new Date(Number(one) * 1000).toISOString()
        : typeof one === 'object'
          ? JSON.stringify(one)
          : String(one),
    ),
  }))
}
