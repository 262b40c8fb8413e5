import { Router } from 'express'
import { attributeEnvironment } from '../attributes/attribute-environment.ts'
import type { AppContext } from '../context.ts'
import { listApprovedServices } from '../federation/service-store.ts'
import { type ServiceSummary, summarizeService } from '../federation/service-summary.ts'
import type { Institution } from '../institution.ts'
import type { Account } from '../people/account.ts'
import { isRoleActivated } from '../people/activated-roles.ts'
import { departmentNameOf } from '../people/departments.ts'
import { findPerson } from '../people/people-store.ts'
import { athensDate, currentRoles, type Person, type PersonRole } from '../people/person.ts'
import { canActivate } from '../people/role-choice.ts'
import { currentSession } from '../sso/current-session.ts'
import { endSession } from '../sso/sessions.ts'
import { loadSubject } from '../sso/subject.ts'
import { type Language, languageOf } from '../web/language.ts'
import { renderPage } from '../web/render.ts'
import { homeServices } from './home-services.ts'

/** Longest search. Characters. */
const maxSearchLength = 100

/** inactive: it counts for no service until the person activates it, which they can do today. */
export type RoleState = 'current' | 'inactive' | 'future' | 'suspended' | 'ended'

/** The home page: who you are and where you can go; a welcome before the sign-in. */
export function homeRoutes(context: AppContext): Router {
  const router = Router()
  const environment = attributeEnvironment(context)

  router.get('/', async (req, res) => {
    const session = currentSession(context, req)
    if (!session) return renderPage(req, res, 'home/welcome')
    const subject = await loadSubject(context, req, session)
    if (!subject) {
      // Disabled or locked since: the sign-in page tells why, after the right password.
      await endSession(context, req)
      return res.redirect(303, '/login')
    }
    const language = languageOf(req)
    const { q } = req.query
    const search = typeof q === 'string' ? q.slice(0, maxSearchLength).trim() : ''
    const { person, account } = subject
    // The session's person lacks the roles that are not activated: this page invites to do so.
    const recorded = account.activatedRoles ? await findPerson(person._id) : person
    renderPage(req, res, 'home/home', {
      firstName: person.firstName[language],
      fullName: `${person.firstName[language]} ${person.lastName[language]}`,
      username: account.username,
      roles: describeRoles(
        recorded ?? person,
        account,
        context.now(),
        language,
        context.institution,
      ),
      search,
      ...(await homeServices(
        { institution: context.institution, environment },
        { ...subject, now: context.now(), language },
        language,
        search,
      )),
    })
  })

  return router
}

/** Roles for display, current ones first. @param person with all their roles */
export function describeRoles(
  person: Pick<Person, 'roles'>,
  account: Pick<Account, 'activatedRoles'>,
  now: Date,
  language: Language,
  institution: Pick<Institution, 'departments'>,
) {
  const current = new Set(currentRoles(person, now))
  const today = athensDate(now)
  const stateOf = (role: PersonRole): RoleState => {
    if (!isRoleActivated(role, account) && canActivate(role, today)) return 'inactive'
    if (current.has(role)) return 'current'
    if (role.status === 'suspended') return 'suspended'
    return role.status === 'active' && role.validFrom !== undefined && role.validFrom > today
      ? 'future'
      : 'ended'
  }
  const order: RoleState[] = ['current', 'inactive', 'future', 'suspended', 'ended']
  return person.roles
    .map((role) => ({
      kind: role.role,
      degreeLevel: role.degreeLevel,
      departmentName: departmentNameOf(role, institution)?.[language],
      registrationNumber: role.registrationNumber,
      state: stateOf(role),
    }))
    .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
}

/** Registered services that say where one starts, then the institution's own links. */
export async function reachableServices(
  context: Pick<AppContext, 'institution'>,
  language: Language,
): Promise<ServiceSummary[]> {
  const registered = (await listApprovedServices())
    .filter((service) => service.startUrl !== undefined)
    .map((service) => summarizeService(service, language))
  const linked = context.institution.services.map((link) => ({
    name: link.name[language],
    description: link.description[language],
    host: new URL(link.url).host,
    url: link.url,
  }))
  return [...registered, ...linked]
}
