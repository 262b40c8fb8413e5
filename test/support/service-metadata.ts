import { attributeByName } from '../../src/attributes/attribute-table.ts'

/** Metadata of a synthetic service provider at the host, as an administrator would register it. */
export function serviceMetadata(
  host: string,
  about: {
    readonly el?: string
    readonly en?: string
    /** Names of the attribute table that it asks for. */
    readonly requests?: readonly string[]
  } = {},
): string {
  const { el = 'Υπηρεσία', en = 'Service', requests = [] } = about
  const requested = requests
    .map(
      (name) =>
        `<RequestedAttribute Name="${attributeByName(name)!.samlName}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" FriendlyName="${name}"/>`,
    )
    .join('')
  return `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://${host}/sp">
  <SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <Extensions><mdui:UIInfo xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui">
      <mdui:DisplayName xml:lang="el">${el}</mdui:DisplayName>
      <mdui:DisplayName xml:lang="en">${en}</mdui:DisplayName>
    </mdui:UIInfo></Extensions>
    <AssertionConsumerService index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://${host}/acs"/>
    ${requested && `<AttributeConsumingService index="0"><ServiceName xml:lang="en">${en}</ServiceName>${requested}</AttributeConsumingService>`}
  </SPSSODescriptor>
</EntityDescriptor>`
}
