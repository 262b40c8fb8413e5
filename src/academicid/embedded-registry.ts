import { randomBytes } from 'node:crypto'
import { isDuplicateKey, upsertAgain } from '../store/duplicate-key.ts'
import type { AcademicIdRegistry, Registered } from './academic-id-registry.ts'
import { type RegisteredKey, registeredKeys } from './registered-key-model.ts'

/**
 * The registry itself, on the store that this process has open: within an identity provider without
 * ACADEMICID_URL, and behind `propylaia academicid serve`. A key is one document, written once:
 * whoever comes second, from whatever process, reads what the first wrote.
 */
export function embeddedRegistry(now: () => Date): AcademicIdRegistry {
  return {
    name: 'embedded',
    async put(key) {
      // Most are known, and a read is cheaper than an upsert that writes nothing.
      const known = await registeredKeys().findOne({ _id: key })
      if (known) return { ...registeredOf(known), isNew: false }
      const candidate = randomBytes(16).toString('hex')
      const found = await upsertAgain(() =>
        registeredKeys().findOneAndUpdate(
          { _id: key },
          { $setOnInsert: { academicId: candidate, createdAt: now() } },
          { upsert: true, returnDocument: 'after' },
        ),
      )
      if (!found) throw new Error('the store gave no document back for an upsert')
      return { ...registeredOf(found), isNew: found.academicId === candidate }
    },
    async get(key) {
      const found = await registeredKeys().findOne({ _id: key })
      return found ? registeredOf(found) : undefined
    },
    async alias(key, otherKey) {
      const found = await registeredKeys().findOne({ _id: key })
      if (!found) return { outcome: 'unknown' }
      const isNew = await insertOnce({ ...found, _id: otherKey })
      const other = await registeredKeys().findOne({ _id: otherKey })
      const current = await registeredKeys().findOne({ _id: key })
      if (!other || !current) throw new Error('a key was removed from the registry')
      if (other.academicId === current.academicId) {
        return { outcome: 'joined', registered: registeredOf(current), isNew }
      }
      if (!isNew) return { outcome: 'conflict' }
      // A merge moved the first key in between: the second follows it.
      await registeredKeys().updateOne(
        { _id: otherKey, academicId: found.academicId },
        { $set: { academicId: current.academicId, createdAt: current.createdAt } },
      )
      return { outcome: 'joined', registered: registeredOf(current), isNew }
    },
    close() {},
  }
}

/** @returns false when the key is there already */
async function insertOnce(document: RegisteredKey): Promise<boolean> {
  try {
    await registeredKeys().insertOne(document)
    return true
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    return false
  }
}

function registeredOf({ academicId, createdAt }: RegisteredKey): Registered {
  return { academicId, created: createdAt }
}
