import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomInt } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { readAggregate } from '../../src/federation/aggregates/aggregate-reader.ts'
import { readPinnedKeys } from '../../src/federation/aggregates/pinned-keys.ts'
import { entity, group, pemOf, readerOf } from '../support/aggregate.ts'
import { seededRandom } from '../support/random.ts'
import { randomXml } from '../support/random-xml.ts'
import { program } from './support/programs.ts'

const c14n = 'http://www.w3.org/2001/10/xml-exc-c14n#'
const more = 'http://www.w3.org/2001/04/xmldsig-more#'
const folder = mkdtempSync(join(tmpdir(), 'propylaia-interop-aggregates-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string) => join(folder, name)

before(() => {
  for (const [name, { publicKey, privateKey }] of Object.entries({
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  })) {
    writeFileSync(file(`${name}.key`), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    writeFileSync(file(`${name}.pem`), pemOf(publicKey))
  }
})

/** Has xmlsec1 sign an aggregate that holds this. */
function signWithXmlsec(
  inside: string,
  options: { prefixes?: string; method?: string; digest?: string; key?: string } = {},
): string {
  const { prefixes, method = `${more}rsa-sha256`, key = 'rsa' } = options
  const { digest = 'http://www.w3.org/2001/04/xmlenc#sha256' } = options
  const list = prefixes
    ? `<ec:InclusiveNamespaces xmlns:ec="${c14n}" PrefixList="${prefixes}"/>`
    : ''
  const template = `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="${c14n}">${list}</ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="${method}"/><ds:Reference URI="#_root"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="${c14n}">${list}</ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="${digest}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>`
  const xml = group([inside]).replace(/(<md:EntitiesDescriptor[^>]*>)/, `$1${template}`)
  writeFileSync(file('unsigned.xml'), xml)
  const id = 'urn:oasis:names:tc:SAML:2.0:metadata:EntitiesDescriptor'
  const keyArguments = ['--privkey-pem', file(`${key}.key`), '--id-attr:ID', id]
  const output = ['--output', file('signed.xml'), file('unsigned.xml')]
  execFileSync(program('xmlsec1'), ['--sign', ...keyArguments, ...output], { stdio: 'pipe' })
  return readFileSync(file('signed.xml'), 'utf8')
}

function read(xml: string, key = 'rsa') {
  return readAggregate(readerOf(xml, 113), {
    keys: readPinnedKeys(readFileSync(file(`${key}.pem`), 'utf8')),
    now: new Date('2027-01-15T12:00:00Z'),
    clockSkewMs: 0,
    maxValidityMs: 28 * 86_400_000,
    maxBytes: 10_000_000,
    onEntity: () => undefined,
  })
}

describe('Aggregates signed by xmlsec1', () => {
  it('verify with every algorithm that we accept', () => {
    for (const bits of ['256', '384', '512']) {
      for (const key of ['rsa', 'ec']) {
        const method = `${more}${key === 'ec' ? 'ecdsa' : 'rsa'}-sha${bits}`
        const digest =
          bits === '384' ? `${more}sha384` : `http://www.w3.org/2001/04/xmlenc#sha${bits}`
        const xml = signWithXmlsec(entity('one'), { method, digest, key })
        assert.equal(read(xml, key).takenCount, 1, method)
      }
    }
  })

  it('verify whatever stands in them: random content, with and without a PrefixList', (context) => {
    const seed = randomInt(2 ** 31)
    context.diagnostic(`seed ${seed}`)
    const random = seededRandom(seed)
    for (let round = 0; round < 100; round++) {
      const strange = randomXml(random, ['urn:one', 'urn:two', 'http://example.org/%CE%B1'])
      const inside = `<md:Extensions>${strange}</md:Extensions>${entity('one', { inside: strange })}`
      const prefixes = [undefined, 'md', 'md mdui a', '#default saml b'][random(4)]
      const xml = signWithXmlsec(inside, prefixes ? { prefixes } : {})
      assert.doesNotThrow(() => read(xml), `seed ${seed}: ${xml}`)
    }
  })
})
