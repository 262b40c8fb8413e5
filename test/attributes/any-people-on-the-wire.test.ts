import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decideRelease } from '../../src/attributes/release.ts'
import { buildResponse } from '../../src/saml/assertion.ts'
import { elements, makeSigningKey, parse, responseContent } from '../saml/saml-support.ts'
import { anyEnvironment, anyService, anySubject, targetOf } from './any-people.ts'

/** SEED=… runs the same people again. */
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
const key = makeSigningKey()

describe('the values of anybody, in an assertion', () => {
  it('are read by an XML parser as they were decided, whatever stands in a name', async (t) => {
    t.diagnostic(`seed ${seed}`)
    await fc.assert(
      fc.asyncProperty(
        anySubject,
        anyEnvironment,
        anyService,
        async (subject, environment, service) => {
          const target = targetOf(service, 'saml', environment)
          const { attributes } = decideRelease(subject, target, environment)
          const xml = await buildResponse(responseContent({ attributes }), {
            key,
            signAssertion: false,
          })
          const read = elements(parse(xml), 'Attribute').map((attribute) => [
            attribute.getAttribute('Name'),
            elements(attribute, 'AttributeValue').map(({ textContent }) => textContent),
          ])
          assert.deepEqual(
            read,
            attributes.map(({ samlName, values }) => [samlName, [...values]]),
          )
        },
      ),
      { seed, numRuns: 500 },
    )
  })
})
