import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { AuditLog } from '../audit/audit-log.ts'
import { storeAnswers } from '../health/health-routes.ts'
import type { AcademicIdRegistry, Registered } from './academic-id-registry.ts'
import { isPersonKey } from './person-key.ts'
import { RefusalLog } from './refusal-log.ts'
import type { TokenBook } from './registry-tokens.ts'

export interface RegistryServerContext {
  readonly registry: AcademicIdRegistry
  readonly tokens: Pick<TokenBook, 'find'>
  readonly audit: Pick<AuditLog, 'record'>
  readonly log: Pick<Logger, 'error'>
}

/** An alias' body is 53 bytes; JSON may be written with spaces. */
const maxBodyBytes = 1024

/** A failure that the caller is told: the code is the interface's, like the status. */
class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly headers: Record<string, string>

  constructor(status: number, code: string, message: string, headers = {}) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
  }
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

/**
 * The AcademicID registry's HTTP interface. Programs use it, not browsers: a bearer token in every
 * request, no cookie, so there is nothing that another site could make a browser send.
 */
export function createRegistryServer(context: RegistryServerContext): Server {
  const refusals = new RefusalLog(context.audit)
  const server = createServer({ maxHeaderSize: 8192 }, (request, response) => {
    answer(context, refusals, request).then(
      ({ status, body }) => send(response, status, body),
      (error) => sendFailure(context, response, error),
    )
  })
  server.requestTimeout = 10_000
  server.headersTimeout = 5000
  // A reverse proxy keeps connections longer than Node's 5 s and would meet resets.
  server.keepAliveTimeout = 65_000
  return server
}

async function answer(
  context: RegistryServerContext,
  refusals: RefusalLog,
  request: IncomingMessage,
): Promise<Answer> {
  const path = (request.url ?? '').split('?', 1)[0] as string
  if (path === '/health/live' || path === '/health/ready') return health(request, path)
  // Before anything else is looked at: whoever has no token learns nothing about keys.
  const institution = await authenticate(context, refusals, request)
  const [, rawKey, alias] = /^\/v1\/persons\/([^/]*)(\/aliases)?$/.exec(path) ?? []
  if (rawKey === undefined) throw new Refusal(404, 'NOT_FOUND', 'there is nothing at this address')
  if (!isPersonKey(rawKey)) throw malformedKey()
  if (alias) {
    allow(request, 'POST')
    return addAlias(context, institution, rawKey, await readOtherKey(request))
  }
  allow(request, 'PUT', 'GET')
  if (request.method === 'PUT') return put(context, institution, rawKey)
  const found = await context.registry.get(rawKey)
  if (!found) throw unknownKey()
  return { status: 200, body: shown(found) }
}

async function health(request: IncomingMessage, path: string): Promise<Answer> {
  allow(request, 'GET', 'HEAD')
  const isReady = path === '/health/live' || (await storeAnswers())
  return { status: isReady ? 200 : 503, body: { status: isReady ? 'ok' : 'store does not answer' } }
}

/** @returns the institution that the token is of */
async function authenticate(
  { tokens }: RegistryServerContext,
  refusals: RefusalLog,
  request: IncomingMessage,
): Promise<string> {
  const [, token] = /^Bearer +(\S{1,256})$/i.exec(request.headers.authorization ?? '') ?? []
  const institution = token === undefined ? undefined : await tokens.find(token)
  if (institution !== undefined) return institution
  refusals.note(token === undefined ? 'no-token' : 'wrong-token', request.socket.remoteAddress)
  throw new Refusal(401, 'UNAUTHORIZED', 'a valid bearer token is required', {
    'WWW-Authenticate': 'Bearer realm="academicid"',
  })
}

async function put(
  { registry, audit }: RegistryServerContext,
  institution: string,
  key: string,
): Promise<Answer> {
  const registered = await registry.put(key)
  if (registered.isNew) {
    audit.record({
      event: 'academicid.allocate',
      result: 'success',
      details: { institution, academicId: registered.academicId },
    })
  }
  return { status: registered.isNew ? 201 : 200, body: shown(registered) }
}

async function addAlias(
  { registry, audit }: RegistryServerContext,
  institution: string,
  key: string,
  otherKey: string,
): Promise<Answer> {
  const result = await registry.alias(key, otherKey)
  if (result.outcome === 'unknown') throw unknownKey()
  if (result.outcome === 'conflict') {
    audit.record({
      event: 'academicid.alias',
      result: 'failure',
      reason: 'conflict',
      details: { institution },
    })
    throw new Refusal(409, 'CONFLICT', 'both keys have ids already, different ones')
  }
  if (result.isNew) {
    audit.record({
      event: 'academicid.alias',
      result: 'success',
      details: { institution, academicId: result.registered.academicId },
    })
  }
  return { status: result.isNew ? 201 : 200, body: shown(result.registered) }
}

async function readOtherKey(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBodyBytes) {
      throw new Refusal(413, 'TOO_LARGE', `a body has at most ${maxBodyBytes} bytes`, {
        Connection: 'close',
      })
    }
    chunks.push(chunk)
  }
  let body: unknown
  try {
    body = JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw new Refusal(400, 'BODY_MALFORMED', 'the body must be JSON: {"key":"…"}')
  }
  const key =
    typeof body === 'object' && body !== null ? (body as { key?: unknown }).key : undefined
  if (!isPersonKey(key)) throw malformedKey()
  return key
}

function allow(request: IncomingMessage, ...methods: string[]): void {
  if (methods.includes(request.method ?? '')) return
  throw new Refusal(405, 'METHOD_NOT_ALLOWED', `allowed: ${methods.join(', ')}`, {
    Allow: methods.join(', '),
  })
}

function malformedKey(): Refusal {
  return new Refusal(400, 'KEY_MALFORMED', 'a key is 43 characters of base64url: an HMAC-SHA-256')
}

function unknownKey(): Refusal {
  return new Refusal(404, 'KEY_UNKNOWN', 'nobody is registered under this key')
}

function shown({ academicId, created }: Registered) {
  return { academicId, created: created.toISOString() }
}

function sendFailure(
  { log }: RegistryServerContext,
  response: ServerResponse,
  error: unknown,
): void {
  if (error instanceof Refusal) {
    const { status, code, message, headers } = error
    send(response, status, { error: code, message }, headers)
    return
  }
  log.error({ err: error }, 'the AcademicID registry could not answer')
  send(response, 500, { error: 'INTERNAL_ERROR', message: 'see the log of the registry' })
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  if (response.destroyed) return
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  })
  response.end(JSON.stringify(body))
}
