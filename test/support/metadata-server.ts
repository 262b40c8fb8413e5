import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

/** A web server on loopback for metadata, and what was asked of it. */
export async function startMetadataServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
) {
  const requests: { url: string; headers: IncomingMessage['headers'] }[] = []
  const server = createServer((request, response) => {
    requests.push({ url: request.url ?? '', headers: request.headers })
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Answers as metadata servers do: gzip, ETag, 304. */
export function serveMetadata(
  request: IncomingMessage,
  response: ServerResponse,
  xml: string,
  etag: string,
): void {
  const headers = { etag, 'content-type': 'application/samlmetadata+xml' }
  if (request.headers['if-none-match'] === etag) response.writeHead(304, headers).end()
  else response.writeHead(200, { ...headers, 'content-encoding': 'gzip' }).end(gzipSync(xml))
}
