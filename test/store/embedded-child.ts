/** A process of its own that serves a data directory until it is killed (see the tests). */
import { startEmbeddedServer } from '../../src/store/connection.ts'

const server = await startEmbeddedServer({ dataDir: process.argv[2]! })
process.send?.({ uri: server.uri })
// The channel to the parent keeps this process alive.
process.on('message', async () => {
  await server.close()
  process.disconnect()
})
