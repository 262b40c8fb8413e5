import { createPublicKey, type KeyObject } from 'node:crypto'
import { SignedXml } from 'xml-crypto'
import { IdpError } from '../errors.ts'
import type { MetadataKey, ServiceProvider } from '../federation/service.ts'
import { childElements } from '../xml/safe-xml.ts'
import type { QuerySignature } from './redirect-binding.ts'
import { algorithms, namespaces } from './uris.ts'
import { HashAlgorithms, SignatureAlgorithms, verifyWith } from './verification-algorithms.ts'

/** Keys are read once: the same metadata object serves many requests. */
const publicKeys = new WeakMap<MetadataKey, KeyObject>()

function publicKeyOf(key: MetadataKey): KeyObject {
  let publicKey = publicKeys.get(key)
  if (!publicKey) {
    publicKey = createPublicKey(key.publicKeyPem)
    publicKeys.set(key, publicKey)
  }
  return publicKey
}

/**
 * Verifies the signature beside an HTTP-Redirect message with any signing key in the service's
 * metadata (several during its key rollover).
 *
 * Bindings 3.4.4.1.
 *
 * @throws {IdpError} SAML_SIGNATURE_INVALID
 */
export function verifyQuerySignature(signature: QuerySignature, sp: ServiceProvider): void {
  const { algorithm, octets, value } = signature
  const isVerified = sp.signingKeys.some((key) =>
    verifyWith(algorithm, octets, publicKeyOf(key), value),
  )
  if (!isVerified) throw refused(sp, 'no signing key in its metadata verifies the query signature')
}

/**
 * Verifies the signature inside a message and returns what it signs, canonicalized. Only that text
 * may be used further: what stands beside it in the document is anybody's (signature wrapping).
 * KeyInfo is not looked at.
 *
 * Core 5.4: one enveloped ds:Signature, child of the root; one Reference to the root's ID;
 * transforms enveloped-signature and exclusive canonicalization, nothing else.
 *
 * @param xml the text that `root` was parsed from
 * @throws {IdpError} SAML_SIGNATURE_INVALID
 */
export function verifyEnvelopedSignature(xml: string, root: Element, sp: ServiceProvider): string {
  const signature = findSignature(root)
  if (!signature) throw refused(sp, 'there is no signature')
  const problem = shapeProblem(signature, root)
  if (problem) throw refused(sp, problem)
  for (const key of sp.signingKeys) {
    const signed = verifiedContent(xml, signature, publicKeyOf(key))
    if (signed !== undefined) return signed
  }
  throw refused(sp, 'no signing key in its metadata verifies it')
}

/**
 * The signature of the message itself.
 *
 * @throws {IdpError} SAML_SIGNATURE_INVALID when there are several, or one in another place
 */
export function findSignature(root: Element): Element | undefined {
  const all = root.getElementsByTagNameNS(namespaces.ds, 'Signature')
  if (all.length === 0) return undefined
  const only = all.item(0)
  if (all.length > 1 || !only || only.parentNode !== root) {
    throw new IdpError(
      'SAML_SIGNATURE_INVALID',
      `the message has ${all.length} signatures, expected one, as a child of <${root.tagName}>`,
    )
  }
  return only
}

/** xml-crypto takes more shapes than SAML allows, so the shape is checked before it sees it. */
function shapeProblem(signature: Element, root: Element): string | undefined {
  const children = childElements(signature, namespaces.ds, '*').map((child) => child.localName)
  // Order matters too: xml-crypto takes the first SignatureMethod and SignatureValue it finds.
  if (!/^SignedInfo,SignatureValue(,KeyInfo)?$/.test(children.join(','))) {
    return `Signature consists of ${children.join(', ')}`
  }
  const [signedInfo] = childElements(signature, namespaces.ds, 'SignedInfo')
  const parts = childElements(signedInfo!, namespaces.ds, '*')
  const [canonicalization, method, reference] = parts
  if (
    parts.map((part) => part.localName).join(',') !==
    'CanonicalizationMethod,SignatureMethod,Reference'
  ) {
    return 'SignedInfo must hold exactly one Reference'
  }
  if (canonicalization!.getAttribute('Algorithm') !== algorithms.exclusiveC14n) {
    return 'SignedInfo is not canonicalized by exclusive canonicalization without comments'
  }
  const signatureAlgorithm = method!.getAttribute('Algorithm') ?? ''
  if (!Object.hasOwn(SignatureAlgorithms, signatureAlgorithm)) {
    return `signature algorithm "${signatureAlgorithm}" is not accepted`
  }
  return referenceProblem(reference!, root)
}

function referenceProblem(reference: Element, root: Element): string | undefined {
  const uri = reference.getAttribute('URI')
  if (uri !== `#${root.getAttribute('ID')}`) {
    return `Reference URI is "${uri}", expected the message's own ID`
  }
  const parts = childElements(reference, namespaces.ds, '*')
  if (parts.map((part) => part.localName).join(',') !== 'Transforms,DigestMethod,DigestValue') {
    return 'Reference must hold Transforms, DigestMethod and DigestValue'
  }
  const [transforms, digestMethod] = parts
  const names = childElements(transforms!, namespaces.ds, 'Transform').map((transform) =>
    transform.getAttribute('Algorithm'),
  )
  if (names.join(' ') !== `${algorithms.envelopedSignature} ${algorithms.exclusiveC14n}`) {
    return `transforms are ${names.join(', ')}, expected enveloped-signature and exclusive canonicalization`
  }
  const digest = digestMethod!.getAttribute('Algorithm') ?? ''
  if (!Object.hasOwn(HashAlgorithms, digest)) return `digest algorithm "${digest}" is not accepted`
  return undefined
}

function verifiedContent(xml: string, signature: Element, key: KeyObject): string | undefined {
  const verifier = new SignedXml({ publicCert: key, getCertFromKeyInfo: () => null })
  verifier.SignatureAlgorithms = SignatureAlgorithms
  verifier.HashAlgorithms = HashAlgorithms
  try {
    verifier.loadSignature(signature)
    if (!verifier.checkSignature(xml)) return undefined
  } catch {
    // xml-crypto throws for a wrong value and returns false for a wrong digest; both are "no".
    return undefined
  }
  const signed = verifier.getSignedReferences()
  return signed.length === 1 ? signed[0] : undefined
}

function refused(sp: ServiceProvider, why: string): IdpError {
  return new IdpError('SAML_SIGNATURE_INVALID', `message of ${sp.entityId}: ${why}`)
}
