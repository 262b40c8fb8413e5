import type { IncomingMessage } from 'node:http'
import type { Request } from 'express'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { addressedUrl } from '../aliases/alias-middleware.ts'
import type { AppContext } from '../context.ts'
import { currentSession } from '../sso/current-session.ts'
import { RecentKeys } from '../sso/recent-keys.ts'
import { sessionExists } from '../sso/sessions.ts'
import type { SsoSession } from '../sso/sso-session.ts'
import { loadSubject, type SessionSubject } from '../sso/subject.ts'
import type { SignInOfGrant } from './grants.ts'

type Session = InstanceType<Provider['Session']>
type BindingContext = Pick<AppContext, 'config' | 'now'>

const signInFields: readonly (keyof SignInOfGrant)[] = ['signInId', 'signInGeneration']

/** Sessions as this worker wrote them last. */
const written = new RecentKeys(20_000)

export interface ActiveSession {
  readonly session: SsoSession
  readonly subject: SessionSubject
}

const activeSessions = new WeakMap<
  IncomingMessage,
  { session: SsoSession; subject: Promise<SessionSubject | undefined> }
>()

/**
 * The sign-in of this browser, when it still counts and its account still may sign in. The subject
 * is read once a request, however often the library asks.
 */
export async function activeSession(
  context: BindingContext,
  request: IncomingMessage,
): Promise<ActiveSession | undefined> {
  const session = currentSession(context, request as Request)
  if (!session) return undefined
  let known = activeSessions.get(request)
  if (known?.session.personId !== session.personId) {
    known = { session, subject: loadSubject(context, request, session) }
    activeSessions.set(request, known)
  }
  const subject = await known.subject
  return subject && { session, subject }
}

/**
 * Makes the library's session a view of our SSO session (there is one sign-on): same id, same
 * person, same time of sign-in. Nothing of a sign-in is believed from the library's own cookie,
 * which stays only for the logout page of people who are not signed in.
 *
 * A session that ended, changed its person or got too old is therefore gone for OIDC in the same
 * instant, and a person who signed in for a SAML service is signed in here without an interaction,
 * also with `prompt=none`.
 */
export function bindToSsoSession(provider: Provider, context: BindingContext): void {
  const { Session, Interaction, Grant, OIDCContext } = provider
  const anonymousSession = Session.get.bind(Session)
  const storedSession = Session.findByUid.bind(Session)
  // The type says nothing of the constructor; the library makes its sessions with it.
  const createSession = (payload?: object): Session =>
    new (Session as unknown as new (payload?: object) => Session)(payload)

  Session.get = async (ctx) => {
    const active = await activeSession(context, ctx.req)
    if (!active) {
      const session = await anonymousSession(ctx)
      return session.accountId === undefined ? session : remember(ctx, createSession())
    }
    const { session } = active
    // Only a logout asks what is in the session already; all else adds to it (adapter.ts).
    const { route } = (ctx as unknown as KoaContextWithOIDC).oidc
    const stored = route.startsWith('end_session') ? await Session.find(session.id) : undefined
    const isSame = stored?.accountId === session.personId
    return remember(
      ctx,
      createSession({
        ...(isSame && stored ? { ...stored } : {}),
        jti: session.id,
        uid: session.id,
        accountId: session.personId,
        loginTs: Math.floor(session.authnInstant / 1000),
        acr: session.acr,
        amr: [...session.amr],
        // The cookie goes with the browser session, as the SSO cookie does.
        transient: true,
      }),
    )
  }

  // Tokens that end with the session ask this way: the SSO session's record is the truth, so a
  // logout anywhere, or an admin's, ends them.
  Session.findByUid = async (uid) => {
    const [session, stands] = await Promise.all([
      storedSession(uid),
      sessionExists(uid, context.now()),
    ])
    return session?.accountId === undefined || stands ? session : undefined
  }

  // A service that comes back to the session adds nothing: no write for what this worker wrote.
  const save = Session.prototype.save
  Session.prototype.save = async function saveOnce(this: Session, ttl: number) {
    const { uid, accountId, loginTs, authorizations } = this
    const content = JSON.stringify([uid, accountId, loginTs, authorizations])
    if (accountId === undefined || this.state) return save.call(this, ttl)
    if (written.has(content)) Object.assign(this, { touched: false })
    else {
      await save.call(this, ttl)
      written.add(content)
    }
    return this.jti
  }

  // The id is not taken from a cookie, so there is no fixed id to get away from.
  Session.prototype.resetIdentifier = function resetIdentifier(this: Session) {}

  // An interaction may begin in one session and end in another (someone else signed in): both are
  // judged when it resumes, by the session that is there then.
  const interactionFields = Interaction.IN_PAYLOAD.filter((field) => field !== 'session')
  Object.defineProperty(Interaction, 'IN_PAYLOAD', { get: () => interactionFields })

  const grantFields = [...Grant.IN_PAYLOAD, ...signInFields]
  Object.defineProperty(Grant, 'IN_PAYLOAD', { get: () => grantFields })

  // The library builds its URLs from the Host header; ours come from BASE_URL alone. An issuer with a
  // path names us, it does not move our addresses.
  OIDCContext.prototype.urlFor = function urlFor(name, options) {
    return provider.urlFor(name, { ...options, mountPath: '' })
  }

  // Who knows us by an alias puts that address into its assertion (RFC 7523 3).
  const audiences = OIDCContext.prototype.clientJwtAuthExpectedAudience
  OIDCContext.prototype.clientJwtAuthExpectedAudience = function expectedAudience() {
    const { ctx } = this as unknown as { ctx: KoaContextWithOIDC }
    return audiences.call(this).add(addressedUrl(context.config, ctx.req, ctx.path))
  }
}

/** What the library's own look-up does with the session it found. */
function remember(ctx: object, session: Session): Session {
  const { oidc } = ctx as { oidc?: { entity(kind: string, value: unknown): void } }
  oidc?.entity('Session', session)
  return session
}
