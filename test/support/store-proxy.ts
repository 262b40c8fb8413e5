import { connect, createServer, type Socket } from 'node:net'
import { deserialize } from 'bson'

const writes = new Set(['insert', 'update', 'delete', 'findAndModify'])
const opMsg = 2013

export interface WriteCommand {
  readonly name: string
  readonly collection: string
}

export interface StoreProxy {
  readonly uri: string
  /** Asked about every write before it reaches the store: `false` holds it back for ever. */
  beforeWrite: (command: WriteCommand) => boolean
  /** Told of every write that the store has answered, before the client gets the answer. */
  afterWrite: (command: WriteCommand) => boolean
  close(): Promise<void>
}

/**
 * Stands between a server and its store on loopback, reads the wire protocol, and lets a test stop
 * the world just before or just after one write.
 *
 * @param storeUri of an embedded store: `mongodb://<socket path, percent-encoded>/…`
 */
export async function startStoreProxy(storeUri: string): Promise<StoreProxy> {
  const socketPath = decodeURIComponent(/^mongodb:\/\/([^/]+)/.exec(storeUri)?.[1] ?? '')
  const sockets = new Set<Socket>()
  const proxy: StoreProxy = {
    uri: '',
    beforeWrite: () => true,
    afterWrite: () => true,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const server = createServer((client) => {
    const store = connect(socketPath)
    const pending = new Map<number, WriteCommand>()
    for (const socket of [client, store]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        store.destroy()
      })
    }
    onMessages(client, (message) => {
      const command = readWrite(message)
      if (command) {
        if (!proxy.beforeWrite(command)) return
        pending.set(message.readInt32LE(4), command)
      }
      store.write(message)
    })
    onMessages(store, (message) => {
      const answered = message.readInt32LE(8)
      const command = pending.get(answered)
      pending.delete(answered)
      if (command && !proxy.afterWrite(command)) return
      client.write(message)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port')
  const database = /^mongodb:\/\/[^/]+\/([^?]*)/.exec(storeUri)?.[1] ?? ''
  return Object.assign(proxy, {
    uri: `mongodb://127.0.0.1:${address.port}/${database}?directConnection=true`,
  })
}

/** Cuts the stream into messages: each begins with its length. */
function onMessages(socket: Socket, handle: (message: Buffer) => void): void {
  let buffered = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk])
    while (buffered.length >= 4 && buffered.length >= buffered.readInt32LE(0)) {
      const length = buffered.readInt32LE(0)
      handle(buffered.subarray(0, length))
      buffered = buffered.subarray(length)
    }
  })
}

function readWrite(message: Buffer): WriteCommand | undefined {
  if (message.readInt32LE(12) !== opMsg) return undefined
  // Flags, then sections; the one of kind 0 is the command and comes first from the driver.
  const start = 21
  const size = message.readInt32LE(start)
  const body = deserialize(message.subarray(start, start + size))
  const [name = ''] = Object.keys(body)
  return writes.has(name) ? { name, collection: String(body[name]) } : undefined
}
