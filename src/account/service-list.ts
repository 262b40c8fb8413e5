import { choosePreset } from '../attributes/presets/choose-preset.ts'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { type RegisteredService, serviceId } from '../federation/service.ts'
import { listApprovedServices } from '../federation/service-store.ts'
import { type ServiceSummary, summarizeService } from '../federation/service-summary.ts'
import type { Language } from '../web/language.ts'

/** A page of a federation's thousands of services would help nobody: people search instead. */
const maxShown = 60

export interface ListedService extends ServiceSummary {
  /** The page on what it would get. */
  readonly releaseUrl: string
  /** The known service that it is, where that says more than its own name. */
  readonly presetName?: string
}

export interface ServiceList {
  readonly services: readonly ListedService[]
  /** How many match, also beyond those that are shown. */
  readonly count: number
}

/** The services that people can sign in to, by name; of a search those that hold all its words. */
export async function findServices(
  environment: AttributeEnvironment,
  search: string,
  language: Language,
  now: Date,
): Promise<ServiceList> {
  const words = fold(search).split(/\s+/).filter(Boolean)
  const collator = new Intl.Collator(language === 'el' ? 'el-GR' : 'en-GB')
  const found = (await listApprovedServices(now))
    .map((service) => describe(service, environment, language))
    .filter(({ searched }) => words.every((word) => searched.includes(word)))
    .sort((a, b) => collator.compare(a.listed.name, b.listed.name))
  return {
    services: found.slice(0, maxShown).map(({ listed }) => listed),
    count: found.length,
  }
}

function describe(
  service: RegisteredService,
  environment: AttributeEnvironment,
  language: Language,
): { listed: ListedService; searched: string } {
  const preset = choosePreset(service, environment)?.preset
  const summary = summarizeService(service, language)
  const query = new URLSearchParams({ protocol: service.protocol, id: serviceId(service) })
  const presetName = preset?.name[language]
  const listed = {
    ...summary,
    releaseUrl: `/account/services/release?${query}`,
    ...(presetName && fold(presetName) !== fold(summary.name) && { presetName }),
  }
  // In both languages, and in the preset's words: people look for “Εύδοξος” or “textbooks”.
  const searched = [
    ...Object.values(service.displayName),
    ...Object.values(service.description),
    summary.host,
    ...(preset ? [preset.name, preset.about].flatMap(({ el, en }) => [el, en]) : []),
    serviceId(service),
  ]
  return { listed, searched: fold(searched.join(' ')) }
}

/** As people type it: no accents, no capitals; final sigma is sigma. */
function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ς', 'σ')
}
