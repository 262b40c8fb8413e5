import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfigError } from '../../config.ts'
import type { ServicePreset } from '../release-types.ts'
import { findPresetProblems } from './check-preset.ts'

/** The presets that come with the program: one file a service, in this folder. */
export const builtInPresetsDir = fileURLToPath(new URL('.', import.meta.url))

interface PresetFile {
  readonly file: string
  readonly preset: ServicePreset
}

/**
 * Our presets and the institution's own; one of hers with the id of one of ours replaces it.
 *
 * @param ownDir PRESETS_DIR; undefined: ours alone
 * @throws {ConfigError} naming each wrong file and field
 */
export function loadPresets(ownDir?: string): readonly ServicePreset[] {
  const problems: string[] = []
  const ours = readFolder(builtInPresetsDir, '', problems)
  const own = ownDir === undefined ? [] : readFolder(ownDir, 'PRESETS_DIR ', problems)
  const replaced = new Set(own.map(({ preset }) => preset.id))
  const all = [...ours.filter(({ preset }) => !replaced.has(preset.id)), ...own]
  problems.push(...sharedHosts(all))
  if (problems.length > 0) throw new ConfigError(problems)
  return all.map(({ preset }) => preset).sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** @param problems is added to; files with one are left out of the answer */
function readFolder(folder: string, label: string, problems: string[]): PresetFile[] {
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch (error) {
    problems.push(`PRESETS_DIR: cannot read ${folder}: ${(error as Error).message}`)
    return []
  }
  const fileOf = new Map<string, string>()
  return names
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) => {
      const file = join(folder, name)
      const found = readFile(file)
      if (Array.isArray(found)) {
        problems.push(...found.map((problem) => `${label}${file}: ${problem}`))
        return []
      }
      const other = fileOf.get(found.id)
      if (other !== undefined) {
        problems.push(`${label}${file}: id: "${found.id}" is the id of ${other} too`)
        return []
      }
      fileOf.set(found.id, file)
      return [{ file, preset: found }]
    })
}

/** @returns the preset, or what is wrong with the file */
function readFile(file: string): ServicePreset | string[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    return [`cannot be read: ${(error as Error).message}`]
  }
  const problems = findPresetProblems(parsed)
  return problems.length > 0 ? problems : (parsed as ServicePreset)
}

/** Which of two presets a service has would otherwise hang on the order of files. */
function sharedHosts(files: readonly PresetFile[]): string[] {
  const fileOf = new Map<string, string>()
  return files.flatMap(({ file, preset }) =>
    preset.hosts.flatMap((host) => {
      const other = fileOf.get(host)
      fileOf.set(host, file)
      return other === undefined ? [] : [`${file}: hosts: "${host}" is a host of ${other} too`]
    }),
  )
}
