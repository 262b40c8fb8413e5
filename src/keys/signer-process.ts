import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { childEnvironment } from '../child-environment.ts'
import { IdpError } from '../errors.ts'
import type { KeySigner } from './key-signer.ts'

export interface SignerProcessOptions {
  /** Program and arguments; no shell reads them. */
  readonly command: readonly string[]
  /** Names of variables that it needs of our environment, besides what any program does. */
  readonly environment?: readonly string[]
  /** How long one answer may take. Milliseconds. */
  readonly timeoutMs?: number
  /** Questions that may wait for an answer at a time; further ones are refused at once. */
  readonly maxWaiting?: number
  /** How long nothing is started after the process died at once. Milliseconds. */
  readonly restartAfterMs?: number
  /** Told what the process writes to standard error and why it ended. */
  readonly onTrouble?: (message: string) => void
}

interface Waiting {
  readonly resolve: (answer: Record<string, unknown>) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** Longest line we read: an answer is a signature, a key or a list of labels. Bytes. */
const maxLineBytes = 1_048_576
/** For what a process that ended had yet to say. Milliseconds. */
const afterExitMs = 200

/**
 * A key signer in a process of its own, started when first asked and again when it ended. One JSON
 * object a line each way; docs/keys.md describes the protocol:
 *
 *     {"id":1,"op":"public-key","label":"saml-2026"}        {"id":1,"publicKey":"-----BEGIN …"}
 *     {"id":2,"op":"sign","label":"…","algorithm":"RS256","data":"<base64>"}  {"id":2,"signature":"<base64>"}
 *     {"id":3,"op":"list"}                                  {"id":3,"labels":["saml-2026"]}
 *                                                           {"id":3,"error":"the token is away"}
 *
 * A signature is checked with the public key before it is used: a signer that mixes up its keys is
 * found here and not at a service.
 */
export function startKeySigner(options: SignerProcessOptions): KeySigner {
  const { command, timeoutMs = 5000, maxWaiting = 200, restartAfterMs = 2000 } = options
  const waiting = new Map<number, Waiting>()
  const publicKeys = new Map<string, KeyObject>()
  let child: ChildProcessByStdio<Writable, Readable, Readable> | undefined
  let lastEndedAt = 0
  let nextId = 1
  let isClosed = false

  return {
    async publicKey(label) {
      const known = publicKeys.get(label)
      if (known) return known
      const { publicKey } = await ask({ op: 'public-key', label })
      try {
        const key = createPublicKey(String(publicKey))
        publicKeys.set(label, key)
        return key
      } catch (cause) {
        throw unavailable(`the public key of "${label}" is not one in PEM`, cause)
      }
    },
    async sign(label, algorithm, data) {
      const key = await this.publicKey(label)
      const answer = await ask({
        op: 'sign',
        label,
        algorithm,
        data: Buffer.from(data).toString('base64'),
      })
      const signature = Buffer.from(String(answer.signature ?? ''), 'base64')
      const isRight =
        algorithm === 'ES256'
          ? verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)
          : verify('sha256', data, key, signature)
      // The label may have got another key since it was read.
      if (!isRight) {
        publicKeys.delete(label)
        throw unavailable(`its signature with "${label}" does not verify`)
      }
      return signature
    },
    async labels() {
      const { labels } = await ask({ op: 'list' })
      return Array.isArray(labels) ? labels.map(String) : []
    },
    async close() {
      isClosed = true
      const running = child
      if (!running) return
      const ended = new Promise<void>((resolve) => running.once('close', () => resolve()))
      // A signer ends when its input does; one that does not is ended.
      running.stdin.end()
      const timer = setTimeout(() => running.kill('SIGKILL'), 2000)
      await ended
      clearTimeout(timer)
    },
  }

  function ask(question: Record<string, string>): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      if (isClosed) return reject(unavailable('it was closed'))
      if (waiting.size >= maxWaiting) {
        return reject(unavailable(`${waiting.size} questions wait for it already`))
      }
      let process: typeof child
      try {
        process = running()
      } catch (error) {
        return reject(error)
      }
      const id = nextId++
      const timer = setTimeout(() => {
        waiting.delete(id)
        reject(unavailable(`no answer to "${question.op}" within ${timeoutMs} ms`))
        // It may hang for good. Whatever waits besides is answered by the next one.
        process?.kill('SIGKILL')
      }, timeoutMs)
      waiting.set(id, { resolve, reject, timer })
      process!.stdin.write(`${JSON.stringify({ id, ...question })}\n`)
    })
  }

  function running() {
    if (child) return child
    if (Date.now() - lastEndedAt < restartAfterMs) {
      throw unavailable('it ended a moment ago and is started again shortly')
    }
    const [program = '', ...args] = command
    const started = spawn(program, args, {
      env: childEnvironment(options.environment),
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child = started
    let rest = ''
    started.stdout.setEncoding('utf8').on('data', (text: string) => {
      rest += text
      const lines = rest.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) answer(line)
      if (rest.length > maxLineBytes) started.kill('SIGKILL')
    })
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      options.onTrouble?.(text.trim().slice(0, 1000))
    })
    // Writing to a process that is gone fails here; its end is noticed below.
    started.stdin.on('error', () => {})
    const ended = (why: string) => {
      if (child !== started) return
      child = undefined
      lastEndedAt = Date.now()
      if (!isClosed) options.onTrouble?.(why)
      for (const [id, { reject, timer }] of waiting) {
        clearTimeout(timer)
        waiting.delete(id)
        reject(unavailable(why))
      }
    }
    started.once('error', (error) => ended(`it cannot be started: ${error.message}`))
    started.once('close', (code, signal) => ended(`it ended (${signal ?? `code ${code}`})`))
    // A child of its own, as a shell script has, may hold the pipes open for ever: let go of them.
    started.once('exit', () => {
      setTimeout(() => {
        for (const pipe of [started.stdin, started.stdout, started.stderr]) pipe.destroy()
      }, afterExitMs).unref()
    })
    return started
  }

  function answer(line: string): void {
    let given: Record<string, unknown>
    try {
      given = JSON.parse(line)
    } catch {
      options.onTrouble?.('it wrote a line that is not JSON')
      return
    }
    const id = Number(given?.id)
    const asked = waiting.get(id)
    if (!asked) return
    waiting.delete(id)
    clearTimeout(asked.timer)
    if (given.error === undefined) asked.resolve(given)
    else asked.reject(unavailable(String(given.error).slice(0, 300)))
  }
}

function unavailable(why: string, cause?: unknown): IdpError {
  return new IdpError('KEY_SIGNER_UNAVAILABLE', `the key signer: ${why}`, { status: 503, cause })
}

/** Splits KEY_SIGNER_COMMAND at spaces; double quotes keep an argument with spaces together. */
export function splitCommand(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}
