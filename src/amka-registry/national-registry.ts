import type { Logger } from 'pino'
import { fetchFailure, readLimitedBody } from '../fetch/limited-body.ts'
import type { AmkaAnswer, AmkaQuestion, AmkaRegistry } from './amka-registry.ts'
import { readCollection } from './collection.ts'

interface NationalRegistryOptions {
  /** The part before `/ssn/`. */
  readonly url: string
  readonly token: string
  readonly log: Pick<Logger, 'error'>
  /** For connection, answer and body together. */
  readonly timeoutMs?: number
}

const defaultTimeoutMs = 5000

/** Bytes. An answer about one person has a few hundred. */
const maxBodyBytes = 65_536

/**
 * The national AMKA registry over GUnet's interface (Collection+JSON). Whatever is not one of its
 * defined answers is `unreachable`, so that a broken proxy's friendly page never passes for a match.
 * It asks once: the person tries again, knowing that they wait.
 *
 * Nothing here logs the number, the name or the date, so no URL and no body either.
 */
export function nationalRegistry(options: NationalRegistryOptions): AmkaRegistry {
  const { log, token, timeoutMs = defaultTimeoutMs } = options
  const host = new URL(options.url).host

  /** @throws whatever went wrong on the way, a time-out and an oversized body included */
  async function ask(question: AmkaQuestion): Promise<{ status: number; body: string }> {
    // Not URLSearchParams: not every server reads its `+` as the space of a double surname.
    const query = [
      `ssn=${encodeURIComponent(question.amka)}`,
      `familyName=${encodeURIComponent(question.familyName)}`,
      `birthDate=${encodeURIComponent(question.birthDate)}`,
    ].join('&')
    const response = await fetch(`${options.url}/ssn/?${query}`, {
      headers: {
        accept: 'application/vnd.collection+json',
        ...(token === '' ? {} : { authorization: `Token ${token}` }),
      },
      // Followed, it would take token and number to a host that nobody registered.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    return { status: response.status, body: await readLimitedBody(response, maxBodyBytes) }
  }

  return {
    name: 'national',
    async check(question) {
      let answered: { status: number; body: string }
      try {
        answered = await ask(question)
      } catch (error) {
        log.error(
          { host, reason: fetchFailure(error, { maxBytes: maxBodyBytes, timeoutMs }) },
          'the AMKA registry does not answer: activations that need it are told to try again later; look at AMKA_REGISTRY_URL, the network, and with the registry',
        )
        return 'unreachable'
      }
      const { status, body } = answered
      const { answer, reason } = readAnswer(status, body, question.amka)
      if (answer === 'refused') {
        log.error(
          { host, status },
          'the AMKA registry refuses our token, so nobody without a checked number can activate: ask the registry for a valid one and set AMKA_REGISTRY_TOKEN',
        )
      }
      if (answer === 'unreachable') {
        log.error(
          { host, status, reason },
          'the AMKA registry gave an answer that its interface does not have: activations that need it are told to try again later; look whether AMKA_REGISTRY_URL is the part before /ssn/, and with the registry',
        )
      }
      return answer
    },
  }
}

function readAnswer(
  status: number,
  body: string,
  amka: string,
): { answer: AmkaAnswer; reason?: string } {
  const unusable = (reason: string) => ({ answer: 'unreachable' as const, reason })
  const collection = readCollection(body)
  if (!collection) return unusable('no Collection+JSON')
  const { errorCode, items } = collection
  if (status === 400 && errorCode === 'ssnerr002') return { answer: 'mismatch' }
  if (status === 403 && errorCode === 'ssnerr001') return { answer: 'refused' }
  if (status !== 200) return unusable('status')
  if (collection.hasError) return unusable('an error with status 200')
  if (!items) return unusable('items is not a list')
  if (items.length === 0) return { answer: 'unknown' }
  // A server that writes it as a JSON number loses the leading zero of the first nine days.
  const numbers = items.map((item) => item.get('ssn')?.padStart(11, '0'))
  return numbers.every((number) => number === amka)
    ? { answer: 'match' }
    : unusable('an item without the number that was asked')
}
