import {
  attributeByName,
  attributeBySamlName,
  attributeTable,
} from '../attributes/attribute-table.ts'
import { choosePreset } from '../attributes/presets/choose-preset.ts'
import type { AttributeDefinition, AttributeEnvironment } from '../attributes/release-types.ts'
import { claimsOfScopes } from '../attributes/scopes.ts'
import { registeredScopes, unknownRequestedAttributes } from '../attributes/targets.ts'
import type { RegisteredService } from '../federation/service.ts'
import type { RegistrationFinding } from './registration-finding.ts'

/**
 * What the service asks for, in the order of the table, for it to say why. Empty for a known service:
 * its preset says what goes and why.
 */
export function requestedAttributes(
  service: RegisteredService,
  environment: AttributeEnvironment,
): readonly AttributeDefinition[] {
  if (choosePreset(service, environment)) return []
  if (service.protocol === 'oidc') {
    const claims = claimsOfScopes(registeredScopes(service))
    return attributeTable.filter(({ claim }) => claim !== undefined && claims.has(claim))
  }
  if (service.protocol === 'cas') {
    const names = service.requestedAttributes.map(({ name }) => name)
    return attributeTable.filter(({ name }) => names.includes(name))
  }
  const names = service.attributeConsumingServices.flatMap((one) =>
    one.requestedAttributes.map(({ name }) => name),
  )
  const asked = new Set(names.map((name) => attributeBySamlName(name)))
  return attributeTable.filter((definition) => asked.has(definition))
}

function unknownAttributes(
  service: RegisteredService,
  environment: AttributeEnvironment,
): readonly string[] {
  switch (service.protocol) {
    case 'saml':
      return unknownRequestedAttributes(service, environment)
    case 'oidc':
      return []
    case 'cas':
      return service.requestedAttributes
        .map(({ name }) => name)
        .filter((name) => !attributeByName(name))
  }
}

/** What of it nobody can give, or gives only by an administrator's own decision. */
export function reviewRequests(
  service: RegisteredService,
  environment: AttributeEnvironment,
): RegistrationFinding[] {
  if (choosePreset(service, environment)) return []
  const unknown = unknownAttributes(service, environment)
  const sensitive = requestedAttributes(service, environment).filter(
    ({ sensitivity }) => sensitivity === 'sensitive',
  )
  return [
    ...unknown.map(
      (subject): RegistrationFinding => ({ code: 'ATTRIBUTE_UNKNOWN', severity: 'mend', subject }),
    ),
    ...sensitive.map(
      ({ name: subject }): RegistrationFinding => ({
        code: 'ATTRIBUTE_SENSITIVE',
        severity: 'note',
        subject,
      }),
    ),
  ]
}
