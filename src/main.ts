import cluster from 'node:cluster'
import { setFlagsFromString } from 'node:v8'
import type { DemoServices } from '../demo/services.ts'
import { describeAcademicIds, findAcademicIdWarnings } from './academicid/open-academic-ids.ts'
import { describeRegistry, findRegistryWarnings } from './amka-registry/open-amka-registry.ts'
import { type Config, ConfigError } from './config.ts'
import { loadMetadataDirectory } from './federation/metadata-directory.ts'
import { holdsServicesFrom } from './federation/service-store.ts'
import { openRuntime, type Runtime } from './runtime.ts'
import { startWebServer } from './server.ts'
import { stopSignal } from './stop-signal.ts'

/** What the demo's services are registered under (demo/services.ts): tells a store that was a demo's. */
const demoOrigin = 'demo'

/**
 * `propylaia serve`: with one worker everything runs in this process; with more, this process holds
 * the embedded store and starts the workers again when they die.
 */
export async function serve(config: Config): Promise<void> {
  // V8's middle compiler (Maglev) makes this workload slower: 8 % more CPU a SAML response in
  // `npm run bench` with Node.js 24, measured side by side. Its better one takes over all the same.
  setFlagsFromString('--no-maglev')
  // Without it a function waits in slow code for its 3000th call, which for most of a response is the
  // 3000th response. After the 1000th a cold server needs 26 % less CPU a response over its first
  // 30 seconds under load. Flags that a V8 lacks are passed over.
  setFlagsFromString('--invocation-count-for-turbofan=1000')
  if (cluster.isWorker) return serveAsWorker(config)
  const startedAt = Date.now()
  // Listened for from the first moment: a stop during the start waits for it and then stops cleanly.
  const stopped = stopSignal()
  const runtime = await openRuntime(config, { embedded: 'own' })
  const closing: (() => Promise<void>)[] = []
  try {
    await prepare(runtime)
    if (config.workers > 1) closing.push(await startWorkers(config, runtime))
    else closing.push((await startWebServer(runtime)).close)
    const demo = config.demo ? await startDemo(runtime) : undefined
    if (demo) closing.push(demo.close)
    await announce(runtime, Date.now() - startedAt, demo)
  } catch (error) {
    for (const close of closing) await close()
    await runtime.close()
    throw error
  }
  await stopped
  process.stderr.write('Stopping: finishing running requests …\n')
  for (const close of closing) await close()
  await runtime.close()
}

async function serveAsWorker(config: Config): Promise<void> {
  const stopped = stopSignal()
  const runtime = await openRuntime(config, { embedded: 'join' })
  const web = await startWebServer(runtime)
  process.send?.('ready')
  await stopped
  await web.close()
  await runtime.close()
  process.disconnect?.()
}

/** What the store must hold before the first request. */
async function prepare({ context }: Runtime): Promise<void> {
  const { config, log } = context
  if (config.demo) {
    const { importDemo } = await import('../demo/people.ts')
    const { registerDemoServices } = await import('../demo/services.ts')
    await importDemo(context)
    await registerDemoServices(context)
  }
  if (config.isProduction) await refuseDemoData()
  for (const warning of findRegistryWarnings(config)) log.warn(warning)
  for (const warning of findAcademicIdWarnings(config)) log.warn(warning)
  // A public server whose NODE_ENV was forgotten would show everybody's PINs.
  if (config.devPages && config.isHttps) {
    log.warn('the /dev pages are on and show PINs to everybody: set NODE_ENV=production')
  }
  const report = await loadMetadataDirectory(config.metadataDir)
  for (const problem of report.problems) log.error(problem)
  for (const finding of report.findings) log.warn(finding)
  for (const entityId of report.withdrawn)
    log.warn({ service: entityId }, 'its metadata file is gone: it waits for approval')
}

/** @throws {ConfigError} when the store was a demo's before: its accounts would let anybody in */
async function refuseDemoData(): Promise<void> {
  if (!(await holdsServicesFrom(demoOrigin))) return
  throw new ConfigError([
    'DATA_DIR or MONGODB_URI: this store holds the demo institution, whose passwords are published; production needs a store of its own. Nothing has been changed.',
  ])
}

/** Loaded only when wanted: a production server carries none of it. */
async function startDemo({ context: { config } }: Runtime): Promise<DemoServices> {
  const { startDemoServices } = await import('../demo/services.ts')
  return startDemoServices({
    baseUrl: config.baseUrl,
    samlPort: config.port + 1,
    oidcPort: config.port + 2,
    casPort: config.port + 3,
    dataDir: config.dataDir,
  })
}

/** Forks the workers, waits until each serves, and replaces those that die. */
async function startWorkers(config: Config, runtime: Runtime): Promise<() => Promise<void>> {
  let isStopping = false
  const forkOne = () =>
    new Promise<void>((resolve, reject) => {
      const worker = cluster.fork()
      worker.once('message', () => resolve())
      worker.once('exit', (code) =>
        reject(new Error(`a worker stopped at start with code ${code}`)),
      )
    })
  await Promise.all(Array.from({ length: config.workers }, forkOne))
  cluster.on('exit', (worker, code, signal) => {
    if (isStopping) return
    runtime.context.log.error(
      { pid: worker.process.pid, code, signal },
      'a worker died; starting another',
    )
    forkOne().catch((error) =>
      runtime.context.log.error({ err: error }, 'the new worker did not start'),
    )
  })
  return async () => {
    isStopping = true
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined)
    await Promise.all(
      workers.map(
        (worker) =>
          new Promise<void>((resolve) => {
            worker.once('exit', () => resolve())
            worker.process.kill('SIGTERM')
          }),
      ),
    )
  }
}

/** What services go on knowing from the identity provider before. */
function describeMove(config: Config): string[] {
  const { baseUrl, samlEntityId, oidcIssuer, keycloakRealm, pathAliases } = config
  const aliases = [
    ...pathAliases.map(({ name, prefix }) => `${name} at ${prefix}`),
    ...(keycloakRealm === undefined ? [] : [`Keycloak at /realms/${keycloakRealm}`]),
  ]
  return [
    ...(samlEntityId === `${baseUrl}/saml/metadata`
      ? []
      : [`  SAML entityID        ${samlEntityId}`]),
    ...(oidcIssuer === baseUrl ? [] : [`  OIDC issuer          ${oidcIssuer}`]),
    ...(aliases.length === 0 ? [] : [`  Also answers as      ${aliases.join(', ')}`]),
  ]
}

async function announce(
  { context, store }: Runtime,
  tookMs: number,
  demo: DemoServices | undefined,
): Promise<void> {
  const { config, institution } = context
  const lines = [
    '',
    `  ${institution.name.en} / ${institution.name.el}`,
    `  Sign in              ${config.baseUrl}`,
    `  SAML metadata        ${config.baseUrl}/saml/metadata`,
    `  OpenID Connect       ${config.baseUrl}/.well-known/openid-configuration`,
    ...describeMove(config),
    `  Store                ${store.embedded ? `embedded, in ${config.dataDir}` : 'MongoDB (MONGODB_URI)'}`,
    `  AMKA registry        ${describeRegistry(config)}`,
    `  AcademicID registry  ${describeAcademicIds(config)}`,
  ]
  if (demo) {
    const { demoAccounts } = await import('../demo/people.ts')
    lines.push(
      `  Demo SAML service    ${demo.samlUrl}`,
      `  Demo OIDC service    ${demo.oidcUrl}`,
      `  Demo CAS service     ${demo.casUrl}`,
      ...(config.devPages ? [`  Help for trying it   ${config.baseUrl}/dev`] : []),
      '',
      '  Demo accounts (everyone is synthetic):',
      ...demoAccounts.map(
        ({ username, password, description }) =>
          `    ${username.padEnd(16)} ${password.padEnd(20)} ${description.en}`,
      ),
    )
  }
  lines.push('', `  Ready in ${(tookMs / 1000).toFixed(1)} s. Ctrl-C stops.`, '')
  process.stdout.write(`${lines.join('\n')}\n`)
}
