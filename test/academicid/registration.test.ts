import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { before, describe, it } from 'node:test'
import type { AcademicIdRegistry } from '../../src/academicid/academic-id-registry.ts'
import { embeddedRegistry } from '../../src/academicid/embedded-registry.ts'
import { prepareRegistry } from '../../src/academicid/registered-key-model.ts'
import { register } from '../../src/academicid/registration.ts'
import { seededRandom } from '../people/support.ts'
import { useStore } from '../support/store.ts'

useStore()
before(prepareRegistry)
const registry = embeddedRegistry(() => new Date())
const newKey = () => randomBytes(32).toString('base64url')
/** One shared key, so one key for each number. */
const ofOne = (keys: readonly string[]) => keys.map((key) => [key])

describe('Registering the keys of a person', () => {
  it('50 times at once gives one id (the registry in this process)', async () => {
    const keys = [newKey(), newKey()]
    const found = await Promise.all(
      Array.from({ length: 50 }, () => register(registry, { numbers: ofOne(keys), before: [] })),
    )
    assert.equal(new Set(found.map((one) => JSON.stringify(one))).size, 1)
    assert.equal(found[0]?.outcome, 'registered')
    const key = newKey()
    const puts = await Promise.all(Array.from({ length: 50 }, () => registry.put(key)))
    assert.equal(new Set(puts.map(({ academicId }) => academicId)).size, 1)
    assert.equal(puts.filter(({ isNew }) => isNew).length, 1)
  })

  it('at the same time under shared keys in another order ends in one id, or both are told', async () => {
    for (let round = 0; round < 40; round++) {
      const [oldKey, nextKey] = [newKey(), newKey()]
      const both = await Promise.all([
        register(registry, { numbers: [[oldKey, nextKey]], before: [] }),
        register(registry, { numbers: [[nextKey, oldKey]], before: [] }),
      ])
      const isOne = both.every(({ outcome }) => outcome === 'registered')
      if (!isOne)
        assert.deepEqual(new Set(both.map(({ outcome }) => outcome)), new Set(['two-ids']))
      else assert.deepEqual(both[0], both[1])
    }
  })

  it('never leaves two ids behind unnoticed, whoever knows which of the numbers', async (t) => {
    const seed = randomInt(2 ** 31)
    t.diagnostic(`seed ${seed}`)
    const random = seededRandom(seed)
    for (let round = 0; round < 25; round++) {
      const all = Array.from({ length: 4 }, newKey)
      const known = Array.from({ length: 6 }, () => {
        const keys = all.filter(() => random() < 0.6)
        return keys.length > 0 ? keys : all.slice(0, 1)
      })
      const found = await Promise.all(
        known.map((keys) => register(registry, { numbers: ofOne(keys), before: [] })),
      )
      for (const [one, keys] of known.entries()) {
        for (const [other, otherKeys] of known.entries()) {
          const [mine, theirs] = [found[one], found[other]]
          if (mine?.outcome !== 'registered' || theirs?.outcome !== 'registered') continue
          if (!keys.some((key) => otherKeys.includes(key))) continue
          assert.equal(mine.academicId, theirs.academicId, `seed ${seed}, round ${round}`)
        }
      }
    }
  })

  it('begins with the id that is held, and says when the registry has never heard of it', async () => {
    const [first, second] = [newKey(), newKey()]
    const held = (await registry.put(first)).academicId
    assert.deepEqual(await register(registry, { numbers: [[second]], before: [first], held }), {
      outcome: 'registered',
      academicId: held,
    })
    assert.equal((await registry.get(second))?.academicId, held)
    const lost = await register(registry, { numbers: [[newKey()]], before: [newKey()], held })
    assert.deepEqual(lost, { outcome: 'unknown-id' })
  })

  it('gives no number an id that it did not have while two ids wait for a human', async () => {
    const [oneNew, one, twoNew, two, third] = Array.from({ length: 5 }, newKey) as [
      string,
      string,
      string,
      string,
      string,
    ]
    const held = (await registry.put(one)).academicId
    const otherId = (await registry.put(two)).academicId
    const numbers = [[oneNew, one], [twoNew, two], [third]]
    const found = await register(registry, { numbers, before: [], held })
    assert.deepEqual(found, { outcome: 'two-ids', academicId: held, otherId })
    const idUnder = async (key: string) => (await registry.get(key))?.academicId
    // Under the shared key that comes, each number leads to whom it led to before.
    assert.equal(await idUnder(oneNew), held)
    assert.equal(await idUnder(twoNew), otherId, 'one of them may be somebody else’s')
    assert.equal(await idUnder(third), undefined)
  })

  it('gives no further number an id that the caller does not take', async () => {
    const [one, two] = [newKey(), newKey()]
    const { academicId } = await registry.put(one)
    const numbers = [[one], [two]]
    assert.deepEqual(await register(registry, { numbers, before: [] }, async () => false), {
      outcome: 'refused',
      academicId,
    })
    assert.equal(await registry.get(two), undefined)
  })

  it('believes no registry that says “joined” and names another id', async () => {
    const [one, two] = [newKey(), newKey()]
    const { academicId } = await registry.put(one)
    const otherId = 'ab'.repeat(16)
    const confused: AcademicIdRegistry = {
      ...registry,
      alias: async () => ({
        outcome: 'joined',
        registered: { academicId: otherId, created: new Date() },
        isNew: true,
      }),
    }
    assert.deepEqual(await register(confused, { numbers: [[one], [two]], before: [] }), {
      outcome: 'two-ids',
      academicId,
      otherId,
    })
  })
})
