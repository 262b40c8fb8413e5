import type { ServicePreset } from '../../../src/attributes/release-types.ts'
import type { RelyingParty, ServiceProvider } from '../../../src/federation/service.ts'

const text = (en: string) => ({ el: `${en} (el)`, en })

/** A synthetic preset that names the attributes, all required. */
export function presetWith(
  names: readonly string[],
  change: Partial<ServicePreset> = {},
): ServicePreset {
  return {
    id: 'books',
    name: text('Books'),
    about: text('Synthetic.'),
    basis: 'Synthetic.',
    hosts: ['books.example'],
    disclosure: 'inform',
    legalGround: { basis: 'public-task', text: text('Somebody’s task.') },
    attributes: names.map((name) => ({ name, isRequired: true, why: text(`Why ${name}.`) })),
    ...change,
  }
}

const noDisplay = {
  displayName: {},
  description: {},
  informationUrl: {},
  privacyStatementUrl: {},
}

/** A synthetic service provider at one address, which asks for what is given. */
export function serviceProvider(change: Partial<ServiceProvider> = {}): ServiceProvider {
  return {
    protocol: 'saml',
    entityId: 'https://books.example/shibboleth',
    state: 'approved',
    origin: 'test',
    assertionConsumerServices: [
      {
        binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST',
        location: 'https://books.example/acs',
      },
    ],
    singleLogoutServices: [],
    nameIdFormats: [],
    authnRequestsSigned: false,
    wantAssertionsSigned: false,
    signingKeys: [],
    encryptionKeys: [],
    attributeConsumingServices: [],
    entityCategories: [],
    entityAttributes: {},
    contacts: [],
    overrides: {},
    ...noDisplay,
    ...change,
  }
}

export function relyingParty(
  metadata: Record<string, unknown>,
  change: Partial<RelyingParty> = {},
): RelyingParty {
  return {
    protocol: 'oidc',
    clientId: 'client-1',
    state: 'approved',
    origin: 'test',
    metadata,
    overrides: {},
    ...noDisplay,
    ...change,
  }
}
