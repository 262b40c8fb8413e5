import assert from 'node:assert/strict'
import { attributeByName } from '../../../src/attributes/attribute-table.ts'
import { loadPresets } from '../../../src/attributes/presets/load-presets.ts'
import { decideRelease } from '../../../src/attributes/release.ts'
import type {
  AttributeEnvironment,
  AttributeSubject,
  Release,
  ReleaseTarget,
} from '../../../src/attributes/release-types.ts'
import { oidcReleaseTarget, samlReleaseTarget } from '../../../src/attributes/targets.ts'
import type { ServiceOverrides } from '../../../src/federation/service.ts'
import type { PersonRole } from '../../../src/people/person.ts'
import { environment as bare, studentRole, subjectWith } from '../example-people.ts'
import { relyingParty, serviceProvider } from './preset-support.ts'

/** The presets that come with the program. */
export const environment: AttributeEnvironment = { ...bare, presets: loadPresets() }

/** Synthetic posts. */
export const professorRole: PersonRole = {
  source: 'hr',
  sourceId: 'p-1',
  role: 'faculty',
  status: 'active',
  departmentCode: 'MATH',
  ministryCode: '301',
  registrationNumber: 'D0042',
}
const staffRole: PersonRole = {
  ...professorRole,
  sourceId: 's-1',
  role: 'staff',
  registrationNumber: 'D0815',
}
const doctorate: PersonRole = {
  ...studentRole,
  sourceId: '90001',
  registrationNumber: '90001',
  degreeLevel: 'doctorate',
}

/** Synthetic people, one of each kind that national services meet. */
export const people = {
  student: subjectWith([studentRole]),
  /** The second studies began later and at another level. */
  twoDepartments: subjectWith([
    {
      ...studentRole,
      sourceId: '7',
      ministryCode: '999',
      registrationNumber: '7',
      degreeLevel: 'master',
    },
    studentRole,
  ]),
  staffDoctorate: subjectWith([staffRole, doctorate]),
  professor: subjectWith([professorRole]),
  alumnus: subjectWith([{ ...studentRole, status: 'ended' }]),
  /** No AMKA and no name in Greek letters. */
  foreignStudent: subjectWith([studentRole], {
    firstName: { el: 'Jürgen', en: 'Jürgen' },
    lastName: { el: 'Mustermann', en: 'Mustermann' },
    citizenship: ['DE'],
    nationalNumbers: [{ country: 'DE', hmac: '00', sealed: 'sealed:12010190D001' }],
    taxNumber: undefined,
  }),
} satisfies Record<string, AttributeSubject>

/** A SAML service that has the preset: by its addresses where the preset has hosts, else by choice. */
export function samlTargetOf(presetId: string, overrides: ServiceOverrides = {}): ReleaseTarget {
  const preset = environment.presets.find(({ id }) => id === presetId)
  assert.ok(preset, presetId)
  const host = preset.hosts[0] ?? 'sp.uni.example.gr'
  const binding = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'
  const target = samlReleaseTarget(
    serviceProvider({
      entityId: `https://${host}/shibboleth`,
      assertionConsumerServices: [
        { binding, location: `https://${host}/Shibboleth.sso/SAML2/POST` },
      ],
      overrides: preset.hosts.length > 0 ? overrides : { preset: presetId, ...overrides },
    }),
    environment,
  )
  assert.equal(target.preset?.id, presetId)
  return target
}

/** The names under which a Shibboleth service provider's usual attribute map keeps attributes. */
const shibbolethNames: Readonly<Record<string, string>> = {
  eduPersonPrincipalName: 'eppn',
  eduPersonScopedAffiliation: 'affiliation',
  eduPersonAffiliation: 'unscoped-affiliation',
  eduPersonPrimaryAffiliation: 'primary-affiliation',
}

/** Request headers as mod_shib makes them of what goes: several values are joined by `;`. */
export function shibbolethHeaders(
  presetId: string,
  subject: AttributeSubject,
  overrides?: ServiceOverrides,
): Record<string, string | undefined> {
  const release = decideRelease(subject, samlTargetOf(presetId, overrides), environment)
  return Object.fromEntries(
    release.attributes.map(({ definition, values }) => [
      shibbolethNames[definition.name] ?? definition.name,
      values.join(';'),
    ]),
  )
}

/** Attributes as a CAS 3 answer holds them: by name, a list where there are several. */
export function casAttributes(
  presetId: string,
  subject: AttributeSubject,
): Record<string, string | readonly string[]> {
  const target: ReleaseTarget = { ...samlTargetOf(presetId), protocol: 'cas' }
  return Object.fromEntries(
    decideRelease(subject, target, environment).attributes.map(({ definition, values }) => [
      definition.name,
      values.length > 1 ? values : values[0]!,
    ]),
  )
}

/** What a client with the preset gets for the scopes, which it is registered for. */
export function oidcRelease(
  presetId: string,
  subject: AttributeSubject,
  scopes: readonly string[],
): Release {
  const client = relyingParty({ scope: scopes.join(' ') }, { overrides: { preset: presetId } })
  return decideRelease(subject, oidcReleaseTarget(client, environment, { scopes }), environment)
}

/** Fails when something goes that no national service may have, or that the service did not ask for. */
export function assertNothingElse(
  headers: Record<string, unknown>,
  allowed: readonly string[],
): void {
  const beyond = Object.keys(headers).filter((name) => !allowed.includes(name))
  assert.deepEqual(beyond, [])
  for (const name of ['schacPersonalUniqueID', 'schGrAcPersonSSN', 'schGrAcPersonTIN']) {
    assert.equal(attributeByName(name)?.sensitivity, 'sensitive')
    assert.equal(headers[name], undefined)
  }
}
