import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { demoAccounts } from '../demo/people.ts'
import { HttpClient } from '../test/support/http-client.ts'
import { measure } from './measure.ts'
import {
  agree,
  type PlayedService,
  samlResponse,
  signIn,
  writeServiceMetadata,
} from './scenarios.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'
import { entityIdOf, type SyntheticAggregate } from './synthetic-aggregate.ts'

export interface LoadedServer {
  /** CPU per SAML response to the same service, with the aggregate loaded by what it is without. */
  readonly localRatio: number
  /** The same for a service that only the aggregate has there; the other server has its file. */
  readonly federatedRatio: number
  /** What a serving process grew while the aggregate came in, at most, MiB; its store included. */
  readonly growthMiB: number
  /** p99 of the answers that people got while it came in, by what it is otherwise. */
  readonly p99Ratio: number
}

const slices = 8
const secondsEach = 12
const warmUpSeconds = 10
const clients = 4
const federated: PlayedService = {
  entityId: entityIdOf(0),
  acsUrl: 'https://sp0.example.org/Shibboleth.sso/SAML2/POST/1',
}

/**
 * Two servers as they are in production, one with the aggregate and one without, take turns at the
 * same work. Linux only.
 */
export async function measureLoaded({ file, key }: SyntheticAggregate): Promise<LoadedServer> {
  const account = demoAccounts.find(({ state }) => state === 'active')
  if (!account) throw new Error('the demo has no active account')
  const without = await start((metadataDir) =>
    writeFileSync(join(metadataDir, 'federated.xml'), firstEntity(file)),
  )
  const loaded = await start(() => {})
  try {
    const browsers = [without, loaded].map(({ baseUrl }) => new HttpClient(baseUrl))
    for (const browser of browsers) await signIn(browser, account)
    const [plain, full] = browsers as [HttpClient, HttpClient]
    const ask = (browser: HttpClient, server: ServerProcess, service?: PlayedService) => () =>
      samlResponse(browser, server.baseUrl, service)

    const quiet = await measure({
      ...{ clients: 1, slices: 1, seconds: 5, warmUpSeconds },
      work: ask(full, loaded),
    })
    const before = loaded.residentMiB()
    let most = before
    let isIn = false
    const import_ = loaded
      .command('federation', 'add', 'bench', '--file', file, '--cert', key)
      .finally(() => {
        isIn = true
      })
    const times: number[] = []
    while (!isIn) {
      const from = performance.now()
      await samlResponse(full, loaded.baseUrl)
      times.push(performance.now() - from)
      most = Math.max(most, loaded.residentMiB())
    }
    await import_
    times.sort((a, b) => a - b)
    const p99Ms = times[Math.floor(times.length * 0.99)] ?? 0

    for (const [browser, server] of [
      [plain, without],
      [full, loaded],
    ] as const)
      await agree(browser, server.baseUrl, federated)
    return {
      localRatio: await ratio([ask(plain, without), without], [ask(full, loaded), loaded]),
      federatedRatio: await ratio(
        [ask(plain, without, federated), without],
        [ask(full, loaded, federated), loaded],
      ),
      growthMiB: most - before,
      p99Ratio: p99Ms / quiet.p99Ms,
    }
  } finally {
    await Promise.all([without.stop(), loaded.stop()])
  }
}

function start(more: (metadataDir: string) => void): Promise<ServerProcess> {
  return startServerProcess({
    environment: { DEMO: 'true', SAML_KEY_TYPE: 'rsa-2048' },
    prepare: (metadataDir) => {
      writeServiceMetadata(metadataDir)
      more(metadataDir)
    },
  })
}

type Turn = readonly [work: () => Promise<void>, server: ServerProcess]

/** CPU for each answer of the second by that of the first, in turns. */
async function ratio(first: Turn, second: Turn): Promise<number> {
  const totals = [first, second].map(() => ({ cpu: 0, count: 0 }))
  for (const [work] of [first, second]) {
    await measure({ clients, seconds: 0.1, slices: 1, warmUpSeconds, work })
  }
  for (let slice = 0; slice < slices; slice++) {
    for (const [index, [work, server]] of [first, second].entries()) {
      const cpu = server.cpuSeconds()
      const seconds = secondsEach / slices
      const { count } = await measure({ clients, seconds, slices: 1, warmUpSeconds: 0, work })
      totals[index]!.cpu += server.cpuSeconds() - cpu
      totals[index]!.count += count
    }
  }
  const [a, b] = totals.map(({ cpu, count }) => cpu / count) as [number, number]
  return b / a
}

/** The aggregate's first entity as a document of its own, without what the others say. */
function firstEntity(file: string): string {
  const text = readFileSync(file, 'utf8')
  const root = /<md:EntitiesDescriptor ([^>]*)>/.exec(text)![1]!
  const declarations = root.match(/xmlns:\w+="[^"]*"/g)!.join(' ')
  const from = text.indexOf('<md:EntityDescriptor ')
  const end = '</md:EntityDescriptor>'
  return text
    .slice(from, text.indexOf(end, from) + end.length)
    .replace('<md:EntityDescriptor ', `<md:EntityDescriptor ${declarations} `)
}
