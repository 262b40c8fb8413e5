/**
 * SAML attribute Name by the id under which the service provider's application sees it. The ids that
 * Debian's attribute-policy.xml has rules for (scope, closed list of affiliations) carry its names.
 */
export const attributeNames = {
  eppn: 'urn:oid:1.3.6.1.4.1.5923.1.1.1.6',
  affiliation: 'urn:oid:1.3.6.1.4.1.5923.1.1.1.9',
  'unscoped-affiliation': 'urn:oid:1.3.6.1.4.1.5923.1.1.1.1',
  'primary-affiliation': 'urn:oid:1.3.6.1.4.1.5923.1.1.1.5',
  'subject-id': 'urn:oasis:names:tc:SAML:attribute:subject-id',
  'pairwise-id': 'urn:oasis:names:tc:SAML:attribute:pairwise-id',
  eduPersonUniqueId: 'urn:oid:1.3.6.1.4.1.5923.1.1.1.13',
  eduPersonAssurance: 'urn:oid:1.3.6.1.4.1.5923.1.1.1.11',
  eduPersonTargetedID: 'urn:oid:1.3.6.1.4.1.5923.1.1.1.10',
  uid: 'urn:oid:0.9.2342.19200300.100.1.1',
  mail: 'urn:oid:0.9.2342.19200300.100.1.3',
  cn: 'urn:oid:2.5.4.3',
  sn: 'urn:oid:2.5.4.4',
  'sn-el': 'sn;lang-el',
  'sn-en': 'sn;lang-en',
  givenName: 'urn:oid:2.5.4.42',
  displayName: 'urn:oid:2.16.840.1.113730.3.1.241',
  o: 'urn:oid:2.5.4.10',
  ou: 'urn:oid:2.5.4.11',
  schacHomeOrganization: 'urn:oid:1.3.6.1.4.1.25178.1.2.9',
  schacPersonalUniqueCode: 'urn:oid:1.3.6.1.4.1.25178.1.2.14',
  schacPersonalUniqueID: 'urn:oid:1.3.6.1.4.1.25178.1.2.15',
  schacDateOfBirth: 'urn:oid:1.3.6.1.4.1.25178.1.2.3',
  grEduPersonUndergraduateBranch: 'urn:oid:1.3.6.1.4.1.16515.2.3.2.1',
  schGrAcPersonID: 'urn:oid:1.3.6.1.4.1.36215.1.2.3',
  schGrAcPersonalLinkageID: 'urn:oid:1.3.6.1.4.1.36215.1.2.4',
  schGrAcEnrollment: 'urn:oid:1.3.6.1.4.1.36215.1.2.5',
  schGrAcPersonSSN: 'urn:oid:1.3.6.1.4.1.36215.1.2.1',
} as const

export type AttributeId = keyof typeof attributeNames

/** A NameID in an assertion or an AttributeValue: qualifiers and value, joined by "!". */
const nameIdDecoder =
  '<AttributeDecoder xsi:type="NameIDAttributeDecoder" formatter="$NameQualifier!$SPNameQualifier!$Name" defaultQualifiers="true"/>'
const scopedDecoder = '<AttributeDecoder xsi:type="ScopedAttributeDecoder" caseSensitive="false"/>'
const plainDecoder = '<AttributeDecoder xsi:type="StringAttributeDecoder" caseSensitive="false"/>'

/** attribute-map.xml of the service provider. */
export function attributeMapXml(): string {
  const attributes = Object.entries(attributeNames).map(
    ([id, name]) =>
      `  <Attribute name="${name}" nameFormat="${nameFormatOf(name)}" id="${id}">${decoderOf(id as AttributeId)}</Attribute>`,
  )
  return `<Attributes xmlns="urn:mace:shibboleth:2.0:attribute-map" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
${attributes.join('\n')}
  <Attribute name="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" id="persistent-id">${nameIdDecoder}</Attribute>
  <Attribute name="urn:oasis:names:tc:SAML:2.0:nameid-format:transient" id="transient-id">${nameIdDecoder}</Attribute>
</Attributes>
`
}

/** Names that are no URI come in the format that says nothing about them. */
export function nameFormatOf(name: string): string {
  const format = name.startsWith('urn:') ? 'uri' : 'unspecified'
  return `urn:oasis:names:tc:SAML:2.0:attrname-format:${format}`
}

function decoderOf(id: AttributeId): string {
  switch (id) {
    case 'eppn':
    case 'affiliation':
    case 'subject-id':
    case 'pairwise-id':
      return scopedDecoder
    case 'eduPersonTargetedID':
      return nameIdDecoder
    default:
      return plainDecoder
  }
}
