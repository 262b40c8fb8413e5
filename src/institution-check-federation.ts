import { isIP } from 'node:net'
import { entityCategoryNames } from './attributes/entity-categories.ts'
import {
  isMailAddress,
  isRecord,
  isText,
  listOf,
  matching,
  oneOf,
  partOf,
  type ShapeCheck,
  webAddress,
} from './shape-check.ts'

const yesOrNo = matching((value) => typeof value === 'boolean', 'true or false')

/** eduGAIN's validator refuses other forms of xs:dateTime. */
const instant = matching(
  (value) =>
    isText(value) &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value) &&
    !Number.isNaN(Date.parse(value)),
  'a time in UTC such as "2026-09-01T00:00:00Z"',
)

const geolocation = matching(
  (value) =>
    isText(value) && /^geo:-?\d{1,2}(\.\d+)?,-?\d{1,3}(\.\d+)?(,-?\d+(\.\d+)?)?$/.test(value),
  'a geo URI such as "geo:37.9755,23.7348"',
)

const domain = matching(
  (value) => isText(value) && /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/.test(value),
  'a domain such as "uni.example.gr"',
)

const addressBlock = matching((value) => {
  const [address = '', prefix = '', ...rest] = isText(value) ? value.split('/') : []
  const version = isIP(address)
  return (
    version > 0 &&
    rest.length === 0 &&
    /^\d{1,3}$/.test(prefix) &&
    Number(prefix) <= (version === 4 ? 32 : 128)
  )
}, 'a block of addresses such as "192.0.2.0/24"')

/** `federation`: what our own metadata tells. */
export const federationCheck: ShapeCheck = partOf({
  registrationPolicy: partOf({ el: webAddress, en: webAddress }, ['el', 'en']),
  registrationInstant: instant,
  entityCategorySupport: listOf(oneOf(entityCategoryNames), 0),
  assuranceCertification: listOf(oneOf(['sirtfi', 'sirtfi2']), 0),
  hideFromDiscovery: yesOrNo,
  geolocationHints: listOf(geolocation, 0),
  domainHints: listOf(domain, 0),
  ipHints: listOf(addressBlock, 0),
  publishServices: yesOrNo,
})

/**
 * Claims that the rest of the file does not bear out: services decide by our metadata whether to
 * trust us, so what it says has to be so.
 */
export function findUnkeptClaims(institution: Record<string, unknown>): string[] {
  const { federation, release, attributes, registrationAuthority, securityContact } = institution
  if (!isRecord(federation)) return []
  const honoured = listIn(release, 'entityCategories')
  const certified = listIn(federation, 'assuranceCertification')
  const isStated = isRecord(attributes) && attributes.europeanStudentIdentifier !== undefined
  const hasSecurityContact =
    isRecord(securityContact) &&
    isText(securityContact.givenName) &&
    isMailAddress(securityContact.email)
  const claimed = listIn(federation, 'entityCategorySupport')
  const claims: [isBroken: boolean, field: string, problem: string][] = [
    ...claimed.map((name): [boolean, string, string] => [
      !honoured.includes(name),
      'entityCategorySupport',
      `"${name}" is not honoured; add it to release.entityCategories, or do not claim it`,
    ]),
    [
      claimed.includes('esi') && !isStated,
      'entityCategorySupport',
      '"esi" needs attributes.europeanStudentIdentifier, which says how the identifier is made',
    ],
    [
      certified.includes('sirtfi2') && !certified.includes('sirtfi'),
      'assuranceCertification',
      '"sirtfi2" needs "sirtfi" beside it',
    ],
    [
      certified.length > 0 && !hasSecurityContact,
      'assuranceCertification',
      'Sirtfi needs securityContact, with givenName and email',
    ],
    ...(['registrationPolicy', 'registrationInstant'] as const).map(
      (field): [boolean, string, string] => [
        federation[field] !== undefined && !isText(registrationAuthority),
        field,
        'needs registrationAuthority: without it the federation says who registered us',
      ],
    ),
  ]
  return claims.flatMap(([isBroken, field, problem]) =>
    isBroken ? [`federation.${field}: ${problem}`] : [],
  )
}

function listIn(part: unknown, field: string): readonly unknown[] {
  const list = isRecord(part) ? part[field] : undefined
  return Array.isArray(list) ? list : []
}
