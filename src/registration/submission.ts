import { Busboy } from '@fastify/busboy'
import express, { type Request, type Response } from 'express'
import { IdpError } from '../errors.ts'
import { isNestedTooDeep, maxJsonDepth } from '../federation/parse-json.ts'

/** What the reader of metadata takes at most. */
export const maxMetadataBytes = 1_048_576

/** All of a form: the text twice at most, and the small fields. */
const maxFormBytes = 2 * maxMetadataBytes + 65_536

const limits = {
  fieldNameSize: 100,
  fieldSize: maxMetadataBytes,
  fields: 200,
  files: 1,
  fileSize: maxMetadataBytes,
  parts: 210,
  headerPairs: 20,
}

export interface Submission {
  readonly fields: Readonly<Record<string, string>>
  /** Of the one file field; absent when no file was chosen. */
  readonly file?: Buffer
  /** A part went over its limit. */
  readonly isTooLarge: boolean
}

const readRaw = express.raw({ type: 'multipart/form-data', limit: maxFormBytes })
const readJson = express.json({ type: 'application/json', limit: maxFormBytes, strict: true })

/** Runs a body parser as a promise. @throws what express makes a 4xx of */
function run(parser: express.RequestHandler, req: Request, res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    parser(req, res, (error?: unknown) => (error ? reject(error) : resolve()))
  })
}

/** The body of software's request: one JSON object. */
export async function readJsonBody(req: Request, res: Response): Promise<Record<string, unknown>> {
  await run(readJson, req, res)
  const body: unknown = req.body
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new IdpError('BAD_REQUEST', 'the body must be one JSON object')
  }
  if (isNestedTooDeep(body)) {
    throw new IdpError('BAD_REQUEST', `the body is nested deeper than ${maxJsonDepth} levels`)
  }
  return body as Record<string, unknown>
}

/**
 * The form of a page, with a file in it (RFC 7578). Leaves the fields in `req.body`, where the CSRF
 * check looks for its own. Bounded before it is parsed: fields and files add up to the body.
 */
export async function readForm(req: Request, res: Response): Promise<Submission> {
  await run(readRaw, req, res)
  const body: unknown = req.body
  const type = req.headers['content-type']
  if (!Buffer.isBuffer(body) || type === undefined) {
    throw new IdpError('BAD_REQUEST', 'the body must be multipart/form-data or application/json')
  }
  const submission = await parse(body, type)
  req.body = submission.fields
  return submission
}

function parse(body: Buffer, type: string): Promise<Submission> {
  const fields: Record<string, string> = Object.create(null)
  let file: Buffer | undefined
  let isTooLarge = false
  const tooMuch = () => {
    isTooLarge = true
  }
  return new Promise((resolve, reject) => {
    const malformed = (error: unknown) =>
      reject(new IdpError('BAD_REQUEST', 'the form cannot be read', { cause: error }))
    try {
      const parser = new Busboy({ headers: { 'content-type': type }, limits })
      parser.on('field', (name, value, _nameCut, valueCut) => {
        if (valueCut) tooMuch()
        fields[name] ??= value
      })
      parser.on('file', (_name, stream) => {
        const chunks: Buffer[] = []
        // A body that ends inside the file: nobody listening would end this worker.
        stream.on('error', malformed)
        stream.on('limit', tooMuch)
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          const content = Buffer.concat(chunks)
          if (content.length > 0) file = content
        })
      })
      for (const event of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
        parser.on(event, tooMuch)
      }
      parser.on('error', malformed)
      parser.on('finish', () => resolve({ fields, file, isTooLarge }))
      parser.end(body)
    } catch (error) {
      malformed(error)
    }
  })
}
