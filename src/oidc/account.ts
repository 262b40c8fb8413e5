import type { Account, FindAccount, KoaContextWithOIDC } from 'oidc-provider'
import { disclosureOf } from '../attributes/disclosure.ts'
import { decideRelease } from '../attributes/release.ts'
import type { AttributeEnvironment, Release } from '../attributes/release-types.ts'
import { oidcReleaseTarget } from '../attributes/targets.ts'
import { agreedAttributes } from '../consent/agreed-attributes.ts'
import type { AppContext } from '../context.ts'
import { findRelyingParty } from '../federation/service-store.ts'
import { loadActiveSubject, type SessionSubject } from '../sso/subject.ts'
import type { SignInOfGrant } from './grants.ts'
import { activeSession } from './session-binding.ts'

/**
 * Accounts as oidc-provider asks for them, at every authorization, code, refresh and userinfo
 * request: an account that no longer may sign in is not found, so nothing goes out for it.
 */
export function accountFinder(
  context: Pick<AppContext, 'config' | 'now'>,
  environment: AttributeEnvironment,
): FindAccount {
  return async (ctx, personId) => {
    const active = await activeSession(context, ctx.req)
    const subject =
      active?.session.personId === personId
        ? active.subject
        : await loadActiveSubject(personId, context.now())
    if (!subject) return undefined
    const account: Account = {
      accountId: personId,
      claims: async (_use, scope, requested) => {
        const release = await releaseTo(ctx, subject, environment, context.now(), scope, requested)
        const claims = claimsOf(release)
        // For the audit log: names only.
        ctx.state.releasedClaims = Object.keys(claims)
        return { ...claims, sub: personId }
      },
    }
    return account
  }
}

async function releaseTo(
  ctx: KoaContextWithOIDC,
  subject: SessionSubject,
  environment: AttributeEnvironment,
  now: Date,
  scope: string,
  requested: Record<string, null | { essential?: boolean }>,
): Promise<Release | undefined> {
  const clientId = ctx.oidc.client?.clientId
  const relyingParty = clientId === undefined ? undefined : await findRelyingParty(clientId)
  if (!relyingParty) return undefined
  const target = oidcReleaseTarget(relyingParty, environment, {
    scopes: scope.split(' '),
    claims: Object.entries(requested).map(([name, member]) => ({
      name,
      isEssential: member?.essential === true,
    })),
  })
  const release = decideRelease({ ...subject, now }, target, environment)
  if (disclosureOf(target, environment.institution) !== 'ask') return release
  // Tokens outlive the page that the person read: what goes by them is what was agreed to.
  const { signInId } = (ctx.oidc.entities.Grant ?? {}) as Partial<SignInOfGrant>
  const agreed = await agreedAttributes(subject.person._id, target, signInId, now)
  const attributes = release.attributes.filter(({ definition }) => agreed.has(definition.name))
  return { ...release, attributes }
}

/** Claims in the JSON types that the table says; one without a value is left out. */
export function claimsOf(release: Release | undefined): Record<string, unknown> {
  const claims: Record<string, unknown> = {}
  for (const { definition, values } of release?.attributes ?? []) {
    const [first] = values
    if (definition.claim === undefined || first === undefined) continue
    if (definition.multiValued) claims[definition.claim] = [...values]
    else claims[definition.claim] = definition.claimType === 'boolean' ? first === 'true' : first
  }
  return claims
}
