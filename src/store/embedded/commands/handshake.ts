import { hostname } from 'node:os'
import { maxDocumentBytes } from '../bson/validate.ts'
import type { BsonWriter } from '../bson/writer.ts'
import { CommandError } from '../errors.ts'
import { maxMessageBytes } from '../wire/message.ts'
import type { Command, Request } from './context.ts'

/**
 * We answer as MongoDB 7.0. 8.0 (25) would make drivers send the bulkWrite command.
 * `logicalSessionTimeoutMinutes` is left out, and we are no replica set: drivers then send no
 * sessions, no transactions and no retryable writes, none of which we have.
 */
const wireVersion = 21
const version = '7.0.0'

function hello(request: Request, reply: BsonWriter) {
  const isOld = request.name !== 'hello'
  if (isOld) reply.bool('ismaster', true)
  else reply.bool('isWritablePrimary', true)
  reply.bool('helloOk', true)
  reply.int32('maxBsonObjectSize', maxDocumentBytes)
  reply.int32('maxMessageSizeBytes', maxMessageBytes)
  reply.int32('maxWriteBatchSize', 100_000)
  reply.date('localTime', Date.now())
  reply.int32('minWireVersion', 0)
  reply.int32('maxWireVersion', wireVersion)
  reply.bool('readOnly', false)
}

/** hello comes with whatever the driver has to say about itself; none of it concerns us. */
const greeting: Command = { writes: false, fields: 'any', run: hello }

const ping: Command = { writes: false, fields: [], run() {} }

const buildInfo: Command = {
  writes: false,
  fields: [],
  run(_, reply) {
    reply.string('version', version)
    reply.string('gitVersion', 'propylaia-embedded')
    const versions = reply.array('versionArray')
    for (const [i, part] of version.split('.').map(Number).entries()) reply.int32(i, part)
    reply.int32(3, 0)
    reply.close(versions)
    reply.int32('bits', 64)
    reply.bool('debug', false)
    reply.int32('maxBsonObjectSize', maxDocumentBytes)
    reply.close(reply.array('modules'))
    const engines = reply.array('storageEngines')
    reply.string(0, 'sqlite')
    reply.close(engines)
  },
}

const hostInfo: Command = {
  writes: false,
  fields: [],
  run(_, reply) {
    const system = reply.object('system')
    reply.date('currentTime', Date.now())
    reply.string('hostname', hostname())
    reply.close(system)
  },
}

const serverStatus: Command = {
  writes: false,
  fields: [],
  run({ server }, reply) {
    reply.string('host', hostname())
    reply.string('version', version)
    reply.string('process', 'propylaia-embedded')
    reply.int64('pid', BigInt(process.pid))
    reply.double('uptime', (Date.now() - server.startedAt) / 1000)
    reply.date('localTime', Date.now())
    const connections = reply.object('connections')
    reply.int32('current', server.connections())
    reply.close(connections)
    const cursors = reply.object('cursors')
    reply.int32('open', server.cursors.count)
    reply.close(cursors)
  },
}

const getParameter: Command = {
  writes: false,
  fields: ['featureCompatibilityVersion', 'allParameters'],
  run(request, reply) {
    if (!request.fields.has('featureCompatibilityVersion')) {
      throw new CommandError('InvalidOptions', 'no option found to get')
    }
    const outer = reply.object('featureCompatibilityVersion')
    reply.string('version', version.slice(0, 3))
    reply.close(outer)
  },
}

const connectionStatus: Command = {
  writes: false,
  fields: ['showPrivileges'],
  run(_, reply) {
    const info = reply.object('authInfo')
    reply.close(reply.array('authenticatedUsers'))
    reply.close(reply.array('authenticatedUserRoles'))
    reply.close(info)
  },
}

const startSession: Command = {
  writes: false,
  fields: [],
  run() {
    throw new CommandError('IllegalOperation', 'the embedded store has no sessions or transactions')
  },
}

export const handshakeCommands: Record<string, Command> = {
  hello: greeting,
  isMaster: greeting,
  ismaster: greeting,
  ping,
  buildInfo,
  buildinfo: buildInfo,
  hostInfo,
  serverStatus,
  getParameter,
  connectionStatus,
  startSession,
  endSessions: ping,
  abortTransaction: startSession,
  commitTransaction: startSession,
}
