import { type Config, ConfigError } from '../../config.ts'
import type { Institution } from '../../institution.ts'
import type { ServicePreset } from '../release-types.ts'
import { noPreset } from './choose-preset.ts'
import { loadPresets } from './load-presets.ts'

/** Several rooms build an attribute environment of one configuration: files are read once. */
const loaded = new WeakMap<Pick<Config, 'presetsDir'>, readonly ServicePreset[]>()

/**
 * The presets of this configuration, and that the institution file names no other.
 *
 * @throws {ConfigError} naming each wrong file or entry
 */
export function openPresets(
  config: Pick<Config, 'presetsDir'>,
  institution: Pick<Institution, 'release'>,
): readonly ServicePreset[] {
  let presets = loaded.get(config)
  if (!presets) {
    presets = loadPresets(config.presetsDir)
    loaded.set(config, presets)
  }
  const ids = [noPreset, ...presets.map(({ id }) => id)]
  const problems = Object.entries(institution.release?.presets ?? {})
    .filter(([, id]) => !ids.includes(id))
    .map(
      ([service, id]) =>
        `INSTITUTION_FILE release.presets.${service}: there is no preset "${id}", expected one of ${ids.join(', ')}`,
    )
  if (problems.length > 0) throw new ConfigError(problems)
  return presets
}
