import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What the gateway does with the next requests: a status, or one of the ways of going wrong. */
export type GatewayBehaviour = number | 'hang' | 'garbage' | 'cut' | 'redirect'

export interface GatewayRequest {
  readonly headers: IncomingHttpHeaders
  readonly body: { to: string; text: string; reference: string }
}

export interface SmsGateway {
  readonly url: string
  readonly token: string
  /** Every request that came, whatever was answered. */
  readonly requests: GatewayRequest[]
  /** From now on; 202 at first. `headers` go with the answer. */
  behave(behaviour: GatewayBehaviour, headers?: Record<string, string>): void
  close(): Promise<void>
}

/** An SMS gateway on loopback that speaks the interface of docs/operation.md, and can go wrong. */
export async function startSmsGateway(): Promise<SmsGateway> {
  const token = 'synthetic-gateway-token'
  const requests: GatewayRequest[] = []
  const sockets = new Set<Socket>()
  let behaviour: GatewayBehaviour = 202
  let answerHeaders: Record<string, string> = {}
  const server: Server = createServer(async (req, res) => {
    let text = ''
    for await (const chunk of req) text += chunk
    requests.push({ headers: req.headers, body: JSON.parse(text) })
    if (behaviour === 'hang') return
    if (behaviour === 'cut') return void req.socket.destroy()
    if (behaviour === 'garbage') return void req.socket.end('220 this is not HTTP\r\n')
    if (behaviour === 'redirect') {
      return void res.writeHead(307, { location: `http://${req.headers.host}/elsewhere` }).end()
    }
    const isAllowed = req.headers.authorization === `Bearer ${token}`
    res.writeHead(isAllowed ? behaviour : 401, answerHeaders).end('{"not":"read"}')
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/send`,
    token,
    requests,
    behave(next, headers = {}) {
      behaviour = next
      answerHeaders = headers
    },
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
