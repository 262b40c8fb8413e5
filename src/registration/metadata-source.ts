import type { AppContext } from '../context.ts'
import { FetchError, type FetchProblem, fetchPublic } from '../fetch/public-fetch.ts'
import { decodeXml, XmlError } from '../xml/safe-xml.ts'
import type { RegistrationFinding } from './registration-finding.ts'
import { maxMetadataBytes } from './submission.ts'

const fetchTimeoutMs = 10_000

/** What was handed in, in one of the three ways; of several the first in this order counts. */
export interface MetadataSource {
  readonly file?: Uint8Array
  readonly url?: string
  readonly text?: string
}

export type SourceOutcome = { readonly text: string } | { readonly finding: RegistrationFinding }

/** A name that leads inside reads like one that leads nowhere: which names are there is not told. */
export function fetchFinding(reason: FetchProblem): string {
  const told = reason === 'unknown-host' ? 'not-public' : reason
  return `FETCH_${told.toUpperCase().replaceAll('-', '_')}`
}

/** The text of the metadata, or why there is none. */
export async function readSource(
  { file, url, text }: MetadataSource,
  { config, log }: Pick<AppContext, 'config' | 'log'>,
): Promise<SourceOutcome> {
  try {
    if (file) return { text: decodeXml(file) }
    if (url) {
      const { bytes } = await fetchPublic(url, {
        accept: 'application/samlmetadata+xml, application/xml, text/xml, application/json',
        maxBytes: maxMetadataBytes,
        timeoutMs: fetchTimeoutMs,
        allowLoopback: config.fetchLoopback === 'true',
      })
      return { text: decodeXml(bytes) }
    }
  } catch (error) {
    if (error instanceof FetchError) {
      // Not on the page: what answers inside our network is nobody else's business.
      log.info({ reason: error.reason, detail: error.message }, 'metadata could not be fetched')
      return {
        finding: {
          code: fetchFinding(error.reason),
          severity: 'stop',
          subject: url?.slice(0, 200),
        },
      }
    }
    if (error instanceof XmlError) return { finding: { code: 'NOT_UTF8', severity: 'stop' } }
    throw error
  }
  // As the page's form has it; the reader of XML does the same.
  const pasted = text?.replace(/\r\n?/g, '\n') ?? ''
  if (pasted.trim() === '') return { finding: { code: 'NOTHING_GIVEN', severity: 'stop' } }
  return { text: pasted }
}
