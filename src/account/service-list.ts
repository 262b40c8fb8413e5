import { choosePreset } from '../attributes/presets/choose-preset.ts'
import type { AttributeEnvironment } from '../attributes/release-types.ts'
import { logoAddress } from '../federation/logos/logos.ts'
import { type RegisteredService, serviceId } from '../federation/service.ts'
import { listApprovedServices } from '../federation/service-store.ts'
import { type ServiceSummary, summarizeService } from '../federation/service-summary.ts'
import type { Language } from '../web/language.ts'
import { foldText, searchWords } from '../web/search-words.ts'

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

/** One service as the list knows it, in one language. */
interface Described {
  readonly listed: ListedService
  /** All that a search looks at, folded. */
  readonly searched: string
}

/**
 * The list of services that people can sign in to. Each is described once for as long as its object
 * lives, which is until any service changes.
 */
export function openServiceList(environment: AttributeEnvironment) {
  const known = { el: new WeakMap(), en: new WeakMap() } satisfies Record<
    Language,
    WeakMap<RegisteredService, Described>
  >

  function describeOnce(service: RegisteredService, language: Language): Described {
    const described = known[language].get(service) ?? describe(service, environment, language)
    known[language].set(service, described)
    return described
  }

  return {
    /** By name; of a search those that hold all its words. */
    async find(search: string, language: Language, now: Date): Promise<ServiceList> {
      const words = searchWords(search)
      const collator = new Intl.Collator(language === 'el' ? 'el-GR' : 'en-GB')
      const found = (await listApprovedServices(now))
        .map((service) => ({ ...describeOnce(service, language), service }))
        .filter(({ searched }) => words.every((word) => searched.includes(word)))
        .sort((a, b) => collator.compare(a.listed.name, b.listed.name))
      return {
        // A logo comes later than its service.
        services: found
          .slice(0, maxShown)
          .map(({ listed, service }) => ({ ...listed, logoUrl: logoAddress(service) })),
        count: found.length,
      }
    },
  }
}

function describe(
  service: RegisteredService,
  environment: AttributeEnvironment,
  language: Language,
): Described {
  const preset = choosePreset(service, environment)?.preset
  const summary = summarizeService(service, language)
  const query = new URLSearchParams({ protocol: service.protocol, id: serviceId(service) })
  const presetName = preset?.name[language]
  const listed = {
    ...summary,
    releaseUrl: `/account/services/release?${query}`,
    ...(presetName && foldText(presetName) !== foldText(summary.name) && { presetName }),
  }
  // In both languages, and in the preset's words: people look for “Εύδοξος” or “textbooks”.
  const searched = [
    ...Object.values(service.displayName),
    ...Object.values(service.description),
    summary.host,
    ...(preset ? [preset.name, preset.about].flatMap(({ el, en }) => [el, en]) : []),
    serviceId(service),
  ]
  return { listed, searched: foldText(searched.join(' ')) }
}
