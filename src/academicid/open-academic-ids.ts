import type { Config } from '../config.ts'
import type { AppContext } from '../context.ts'
import type { AcademicIdRegistry } from './academic-id-registry.ts'
import type { AcademicIdService } from './academic-ids.ts'
import { openAllocator } from './allocator.ts'
import { embeddedRegistry } from './embedded-registry.ts'
import { checkSharedKeys, sharedKeysOf } from './shared-keys.ts'
import { sharedRegistry } from './shared-registry.ts'

/**
 * The shared registry when ACADEMICID_URL names it, else the embedded one.
 *
 * @throws {ConfigError} when the configured keys are not those that people are registered under
 */
export async function openAcademicIds(
  context: Pick<AppContext, 'config' | 'secrets' | 'audit' | 'log' | 'now'>,
): Promise<AcademicIdService> {
  const { config, secrets, now } = context
  const sharedKeys = sharedKeysOf(config, secrets)
  await checkSharedKeys(sharedKeys)
  return openAllocator({ ...context, registry: openRegistry(config, now), sharedKeys })
}

function openRegistry(
  { academicIdUrl: url, academicIdToken: token }: RegistryConfig,
  now: () => Date,
): AcademicIdRegistry {
  return url === undefined ? embeddedRegistry(now) : sharedRegistry({ url, token })
}

type RegistryConfig = Pick<Config, 'academicIdUrl' | 'academicIdToken'>

/** Settings that work and that an administrator should know of, at the start. */
export function findAcademicIdWarnings(
  config: Pick<Config, 'academicIdUrl' | 'isProduction'>,
): string[] {
  const { academicIdUrl: url, isProduction } = config
  if (!isProduction || !url?.startsWith('http:')) return []
  if (/^http:\/\/(localhost|127\.|\[::1\])/.test(url)) return []
  return [
    'ACADEMICID_URL is not https: the token of the registry and AcademicIDs cross the network in clear',
  ]
}

/** For the line at the start: which registry gives AcademicIDs. */
export function describeAcademicIds({ academicIdUrl: url }: RegistryConfig): string {
  return url === undefined ? 'embedded: of this institution alone' : new URL(url).host
}
