/** Namespaces and names of SAML V2.0 Metadata and its extensions. */
export const ns = {
  md: 'urn:oasis:names:tc:SAML:2.0:metadata',
  saml: 'urn:oasis:names:tc:SAML:2.0:assertion',
  ds: 'http://www.w3.org/2000/09/xmldsig#',
  mdui: 'urn:oasis:names:tc:SAML:metadata:ui',
  mdattr: 'urn:oasis:names:tc:SAML:metadata:attribute',
  mdrpi: 'urn:oasis:names:tc:SAML:metadata:rpi',
  xml: 'http://www.w3.org/XML/1998/namespace',
} as const

export const saml2Protocol = 'urn:oasis:names:tc:SAML:2.0:protocol'
export const httpPostBinding = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'
export const saml2BindingPrefix = 'urn:oasis:names:tc:SAML:2.0:bindings:'
export const entityCategoryAttribute = 'http://macedir.org/entity-category'
export const subjectIdRequirementAttribute = 'urn:oasis:names:tc:SAML:profiles:subject-id:req'
/** A spelling that wiki samples spread; it means nothing. */
export const misspeltSubjectIdRequirement = 'urn:oasis:names:tc:SAML:attribute:subject-id:req'
