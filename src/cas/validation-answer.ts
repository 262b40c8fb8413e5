import type { ReleasedAttribute } from '../attributes/release-types.ts'
import { escapeText } from '../xml/escape-xml.ts'
import { authnContextClass } from './authn-method.ts'
import type { Validated, ValidationFailure } from './validation.ts'

export type AnswerFormat = 'XML' | 'JSON'

export interface AnswerBody {
  readonly contentType: string
  readonly body: string
}

/** What a success says besides who it is. */
export interface SuccessOptions {
  readonly format: AnswerFormat
  /** CAS 3: attributes too. */
  readonly withAttributes: boolean
  readonly proxyGrantingTicketIou?: string
}

const xmlType = 'application/xml; charset=utf-8'
const jsonType = 'application/json; charset=utf-8'
const namespace = 'http://www.yale.edu/tp/cas'

/** cas:authenticationSuccess (CAS Protocol 2.5.2, appendix A), or the same in JSON. */
export function successAnswer(validated: Validated, options: SuccessOptions): AnswerBody {
  const { format, withAttributes, proxyGrantingTicketIou: iou } = options
  const { user, record } = validated
  const facts = withAttributes ? attributesOf(validated) : []
  if (format === 'JSON') {
    return json({
      authenticationSuccess: {
        user,
        ...(withAttributes && { attributes: Object.fromEntries(facts) }),
        ...(iou !== undefined && { proxyGrantingTicket: iou }),
        ...(record.proxies.length > 0 && { proxies: record.proxies }),
      },
    })
  }
  const attributes = facts.flatMap(([name, value]) =>
    [value].flat().map((one) => `      ${element(name, String(one))}\n`),
  )
  const proxies = record.proxies.map((proxy) => `      ${element('proxy', proxy)}\n`)
  return xml(
    [
      '  <cas:authenticationSuccess>\n',
      `    ${element('user', user)}\n`,
      withAttributes ? `    <cas:attributes>\n${attributes.join('')}    </cas:attributes>\n` : '',
      iou === undefined ? '' : `    ${element('proxyGrantingTicket', iou)}\n`,
      proxies.length > 0 ? `    <cas:proxies>\n${proxies.join('')}    </cas:proxies>\n` : '',
      '  </cas:authenticationSuccess>\n',
    ].join(''),
  )
}

export function failureAnswer(
  { code, message }: Pick<ValidationFailure, 'code' | 'message'>,
  format: AnswerFormat,
): AnswerBody {
  if (format === 'JSON') return json({ authenticationFailure: { code, description: message } })
  return xml(
    `  <cas:authenticationFailure code="${code}">${escapeText(message)}</cas:authenticationFailure>\n`,
  )
}

/** Answers of /proxy (2.7.2). */
export function proxyAnswer(ticket: string, format: AnswerFormat): AnswerBody {
  if (format === 'JSON') return json({ proxySuccess: { proxyTicket: ticket } })
  return xml(`  <cas:proxySuccess>\n    ${element('proxyTicket', ticket)}\n  </cas:proxySuccess>\n`)
}

export function proxyFailureAnswer(
  { code, message }: Pick<ValidationFailure, 'code' | 'message'>,
  format: AnswerFormat,
): AnswerBody {
  if (format === 'JSON') return json({ proxyFailure: { code, description: message } })
  return xml(`  <cas:proxyFailure code="${code}">${escapeText(message)}</cas:proxyFailure>\n`)
}

type Fact = readonly [name: string, value: string | boolean | readonly string[]]

/**
 * The three of the schema first, in its order, then those of the release rules under the names of
 * their table. In JSON an attribute that can have several values is a list even with one.
 */
function attributesOf({ record, attributes }: Validated): readonly Fact[] {
  const { session, isFromNewLogin, authnMethod } = record
  const factor = authnContextClass(session, authnMethod)
  return [
    ['authenticationDate', new Date(session.authnInstant).toISOString()],
    ['longTermAuthenticationRequestTokenUsed', false],
    ['isFromNewLogin', isFromNewLogin],
    ...(factor === undefined ? [] : [['authnContextClass', factor] as const]),
    ...attributes.map(released),
  ]
}

function released({ definition, values }: ReleasedAttribute): Fact {
  return [definition.name, definition.multiValued ? values : values[0]!]
}

function element(name: string, text: string): string {
  return `<cas:${name}>${escapeText(text)}</cas:${name}>`
}

function xml(content: string): AnswerBody {
  return {
    contentType: xmlType,
    body: `<cas:serviceResponse xmlns:cas="${namespace}">\n${content}</cas:serviceResponse>\n`,
  }
}

function json(content: object): AnswerBody {
  return { contentType: jsonType, body: `${JSON.stringify({ serviceResponse: content })}\n` }
}
