import type { Server } from 'node:http'

/** How long running requests get to finish at shutdown. Milliseconds. */
const drainMs = 10_000

/** Resolves when the server listens; rejects when it cannot, for example because the port is taken. */
export function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
}

/** Stops accepting, lets running requests finish, then returns. */
export function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), drainMs)
    // Close cuts idle connections, and those that are busy as soon as their answer is out.
    server.close(() => {
      clearTimeout(force)
      resolve()
    })
    server.on('request', (_req, res) => res.setHeader('Connection', 'close'))
  })
}
