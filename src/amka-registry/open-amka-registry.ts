import type { Config } from '../config.ts'
import type { AppContext } from '../context.ts'
import type { AmkaRegistry } from './amka-registry.ts'
import { embeddedRegistry } from './embedded-registry.ts'
import { nationalRegistry } from './national-registry.ts'

/** The national registry when AMKA_REGISTRY_URL names it, else the embedded one. */
export function openAmkaRegistry({
  config,
  secrets,
  log,
}: Pick<AppContext, 'config' | 'secrets' | 'log'>): AmkaRegistry {
  const { amkaRegistryUrl: url, amkaRegistryToken: token } = config
  return url === undefined ? embeddedRegistry(secrets) : nationalRegistry({ url, token, log })
}

type RegistryConfig = Pick<Config, 'amkaRegistryUrl' | 'amkaRegistryToken' | 'isProduction'>

/** Settings that work and that an administrator should know of, at the start. */
export function findRegistryWarnings(config: RegistryConfig): string[] {
  const { amkaRegistryUrl: url, amkaRegistryToken: token, isProduction } = config
  const warnings: string[] = []
  if (url === undefined && isProduction) {
    warnings.push(
      'AMKA_REGISTRY_URL is not set: numbers that people give are checked only against the imported records',
    )
  }
  if (url !== undefined && token === '') {
    warnings.push('AMKA_REGISTRY_TOKEN is not set: the AMKA registry will refuse every question')
  }
  if (url?.startsWith('http:') && isProduction) {
    warnings.push(
      'AMKA_REGISTRY_URL is not https: national numbers, names and birth dates cross the network in clear',
    )
  }
  return warnings
}

/** For the line at the start: which registry answers. */
export function describeRegistry({ amkaRegistryUrl: url }: RegistryConfig): string {
  return url === undefined ? 'embedded: answers from the imported records' : new URL(url).host
}
