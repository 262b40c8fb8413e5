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
