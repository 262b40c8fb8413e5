import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { IdpError } from '../../src/errors.ts'
import { isWebUrl } from '../../src/federation/metadata-text.ts'
import { parseServiceProviderMetadata } from '../../src/federation/service-provider-metadata.ts'

const now = new Date('2027-01-15T12:00:00Z')
const originals = ['shibboleth', 'simplesamlphp', 'node-saml', 'hostile-display'].map((name) =>
  readFileSync(new URL(`../fixtures/metadata/${name}.xml`, import.meta.url), 'utf8'),
)
const fragments = [
  '<',
  '>',
  '&',
  '"',
  "'",
  '/',
  '<!--',
  '-->',
  '<![CDATA[',
  ']]>',
  '&#0;',
  '<!DOCTYPE x>',
  '</md:SPSSODescriptor>',
  'xmlns:md="x"',
  'ID="_1"',
  'javascript:',
  '\u0000',
  '\uD800',
  '\u202E',
  '999999999',
]

/** mulberry32: small, seeded, good enough to place mistakes. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

function damage(text: string, random: (below: number) => number): string {
  const at = random(text.length)
  const kind = random(3)
  if (kind === 0) return text.slice(0, at) + fragments[random(fragments.length)] + text.slice(at)
  if (kind === 1) return text.slice(0, at) + text.slice(at + 1 + random(40))
  const from = random(text.length)
  return text.slice(0, at) + text.slice(from, from + random(200)) + text.slice(at)
}

describe('SP metadata: damaged in any way', () => {
  const seed = randomInt(2 ** 31)
  it(`is refused as METADATA_INVALID, or gives web addresses only (seed ${seed})`, () => {
    const random = generator(seed)
    let read = 0
    for (let round = 0; round < 1000; round++) {
      const text = damage(originals[random(originals.length)]!, random)
      try {
        const sp = parseServiceProviderMetadata(text, 'test', now)
        read += 1
        for (const { location } of sp.assertionConsumerServices) assert.ok(isWebUrl(location))
        for (const url of Object.values(sp.informationUrl)) assert.ok(isWebUrl(url!))
      } catch (error) {
        if (!(error instanceof IdpError) || error.code !== 'METADATA_INVALID') throw error
      }
    }
    assert.ok(read > 50, `only ${read} of 1000 were read`)
  })
})
