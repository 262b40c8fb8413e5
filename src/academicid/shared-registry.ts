import { fetchFailure, readLimitedBody } from '../fetch/limited-body.ts'
import {
  type AcademicIdRegistry,
  isAcademicId,
  type Registered,
  RegistryUnreachable,
} from './academic-id-registry.ts'

interface SharedRegistryOptions {
  /** The part before `/v1/`. */
  readonly url: string
  readonly token: string
  /** For connection, answer and body together. */
  readonly timeoutMs?: number
}

const defaultTimeoutMs = 5000

/** Bytes. A right answer has about a hundred. */
const maxBodyBytes = 4096

interface Answered {
  readonly status: number
  readonly body: string
}

/**
 * The registry that several institutions share, over HTTP. Whatever its interface does not define
 * is `RegistryUnreachable`: an id that a broken proxy made us believe could never be taken back.
 */
export function sharedRegistry(options: SharedRegistryOptions): AcademicIdRegistry {
  const { url, token, timeoutMs = defaultTimeoutMs } = options
  const closing = new AbortController()

  async function ask(method: string, path: string, body?: object): Promise<Answered> {
    try {
      const response = await fetch(`${url}/v1/persons/${path}`, {
        method,
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${token}`,
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        // Followed, it would take token and key to a host that nobody registered.
        redirect: 'manual',
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]),
      })
      return { status: response.status, body: await readLimitedBody(response, maxBodyBytes) }
    } catch (error) {
      throw new RegistryUnreachable(fetchFailure(error, { maxBytes: maxBodyBytes, timeoutMs }))
    }
  }

  return {
    name: 'shared',
    async put(key) {
      const answered = await ask('PUT', key)
      const { status } = answered
      if (status !== 200 && status !== 201) throw undefinedAnswer(answered)
      return { ...readRegistered(answered), isNew: status === 201 }
    },
    async get(key) {
      const answered = await ask('GET', key)
      if (isRefusal(answered, 404, 'KEY_UNKNOWN')) return undefined
      if (answered.status !== 200) throw undefinedAnswer(answered)
      return readRegistered(answered)
    },
    async alias(key, otherKey) {
      const answered = await ask('POST', `${key}/aliases`, { key: otherKey })
      if (isRefusal(answered, 404, 'KEY_UNKNOWN')) return { outcome: 'unknown' }
      if (isRefusal(answered, 409, 'CONFLICT')) return { outcome: 'conflict' }
      const { status } = answered
      if (status !== 200 && status !== 201) throw undefinedAnswer(answered)
      return { outcome: 'joined', registered: readRegistered(answered), isNew: status === 201 }
    },
    close() {
      closing.abort()
    },
  }
}

/** @throws {RegistryUnreachable} unless the body is exactly what the interface has */
function readRegistered({ body }: Answered): Registered {
  const { academicId, created } = parseObject(body)
  const at = typeof created === 'string' ? new Date(created) : undefined
  if (!isAcademicId(academicId) || at === undefined || Number.isNaN(at.getTime())) {
    throw new RegistryUnreachable('an answer without an AcademicID and its date')
  }
  return { academicId, created: at }
}

/** By code too: a proxy that does not find the registry answers 404 as well. */
function isRefusal({ status, body }: Answered, expected: number, code: string): boolean {
  return status === expected && parseObject(body).error === code
}

function undefinedAnswer({ status }: Answered): RegistryUnreachable {
  return new RegistryUnreachable(
    status === 401
      ? 'it refuses our token (ACADEMICID_TOKEN)'
      : `an answer that its interface does not have: status ${status}`,
  )
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw new RegistryUnreachable('an answer that is no JSON object')
}
