import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

/**
 * Below the ports that systems hand out by themselves (Linux from 32768, IANA from 49152): those
 * may be taken by anybody's outgoing connection before our program listens.
 */
const range = { from: 15_000, to: 32_000 }

/** Ports of 127.0.0.1 that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freePortRange(1))
  return [...ports]
}

/** The first of `count` free ports in a row: the demo services sit next to the identity provider. */
export async function freePortRange(count: number): Promise<number> {
  for (;;) {
    const first = randomInt(range.from, range.to)
    const open: Server[] = []
    try {
      for (let port = first; port < first + count; port++) open.push(await listen(port))
      return first
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    } finally {
      await Promise.all(open.map(close))
    }
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
