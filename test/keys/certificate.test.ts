import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { certificatePem, selfSignedCertificate } from '../../src/keys/certificate.ts'

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })

function make(notBefore: Date, days: number, commonName = 'sso.uni.example.gr'): X509Certificate {
  return new X509Certificate(
    certificatePem(selfSignedCertificate({ ...pair, commonName, notBefore, days })),
  )
}

describe('The self-signed certificate around a SAML key (RFC 5280)', () => {
  it('is read by OpenSSL, carries the key and name, and its signature holds', () => {
    const certificate = make(new Date('2026-09-01T00:00:00Z'), 3650)
    assert.equal(certificate.subject, 'CN=sso.uni.example.gr')
    assert.equal(certificate.issuer, certificate.subject)
    assert.ok(certificate.verify(pair.publicKey))
    assert.ok(certificate.publicKey.equals(pair.publicKey))
  })

  it('runs from notBefore for the days asked, also past 2049 where the time form changes', () => {
    for (const start of ['2026-09-01T10:20:30Z', '2045-01-01T00:00:00Z']) {
      const certificate = make(new Date(start), 3650)
      assert.equal(new Date(certificate.validFrom).getTime(), Date.parse(start))
      assert.equal(new Date(certificate.validTo).getTime(), Date.parse(start) + 3650 * 86_400_000)
    }
  })

  it('never gives two certificates one serial number', () => {
    const serials = Array.from({ length: 50 }, () => make(new Date(), 1).serialNumber)
    assert.equal(new Set(serials).size, serials.length)
  })

  it('takes a Greek name', () => {
    assert.match(make(new Date(), 1, 'Πανεπιστήμιο').subject, /Πανεπιστήμιο/)
  })
})
