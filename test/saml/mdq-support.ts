import { createHash } from 'node:crypto'
import { request } from 'node:http'

export const type = 'application/samlmetadata+xml'

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | undefined>
  readonly body: Buffer
  readonly text: string
}

/** Without anything that fetch() adds or takes away: encodings, dot segments, cache directives. */
export function ask(
  app: { readonly baseUrl: string },
  path: string,
  headers: Record<string, string> = { accept: type },
  method = 'GET',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(app.baseUrl)
    request({ hostname, port, path, method, headers }, (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('error', reject)
      res.on('end', () => {
        const body = Buffer.concat(chunks)
        resolve({
          status: res.statusCode!,
          headers: res.headers as Answer['headers'],
          body,
          text: body.toString(),
        })
      })
    })
      .on('error', reject)
      .end()
  })
}

export const entityPath = (entityId: string) => `/mdq/entities/${encodeURIComponent(entityId)}`
export const sha1Path = (entityId: string) =>
  entityPath(`{sha1}${createHash('sha1').update(entityId).digest('hex')}`)
