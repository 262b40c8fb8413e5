import { explainRelease } from '../attributes/explain.ts'
import type { AttributeEnvironment, AttributeSubject } from '../attributes/release-types.ts'
import { usualReleaseTarget } from '../attributes/targets.ts'
import type { RegisteredService } from '../federation/service.ts'
import { listApprovedServices } from '../federation/service-store.ts'
import { type ServiceSummary, summarizeService } from '../federation/service-summary.ts'
import type { Institution } from '../institution.ts'
import type { Language } from '../web/language.ts'
import { foldText, searchWords } from '../web/search-words.ts'

/** https://refeds.org/category/hide-from-discovery: it wants no place in lists for people. */
const hideFromDiscovery = 'http://refeds.org/category/hide-from-discovery'

export interface HomeServices {
  readonly services: readonly ServiceSummary[]
  /** How many there are without a search. */
  readonly total: number
}

/**
 * Services that say where one starts and that this person can use, by name, then the institution's
 * own links. Of a search those that hold all its words, in either language.
 */
export async function homeServices(
  { institution, environment }: { institution: Institution; environment: AttributeEnvironment },
  subject: AttributeSubject,
  language: Language,
  search: string,
): Promise<HomeServices> {
  const collator = new Intl.Collator(language === 'el' ? 'el-GR' : 'en-GB')
  const registered = (await listApprovedServices(subject.now))
    .filter((service) => service.startUrl !== undefined && !isHidden(service))
    .filter((service) => canUse(subject, service, environment))
    .map((service) => ({
      summary: summarizeService(service, language),
      searched: [...Object.values(service.displayName), ...Object.values(service.description)],
    }))
    .sort((a, b) => collator.compare(a.summary.name, b.summary.name))
  const linked = institution.services.map(({ name, description, url }) => ({
    summary: {
      name: name[language],
      description: description[language],
      host: new URL(url).host,
      url,
    },
    searched: [name.el, name.en, description.el, description.en],
  }))
  const all = [...registered, ...linked]
  const words = searchWords(search)
  const found = all.filter(({ summary, searched }) => {
    const text = foldText([...searched, summary.host ?? ''].join(' '))
    return words.every((word) => text.includes(word))
  })
  return { services: found.map(({ summary }) => summary), total: all.length }
}

function isHidden(service: RegisteredService): boolean {
  return service.protocol === 'saml' && service.entityCategories.includes(hideFromDiscovery)
}

/**
 * Not when the service needs something that it gives to other people only: Eudoxus is for students.
 * What merely lacks in somebody's records does not hide it: the page about the service says whom to ask.
 */
function canUse(
  subject: AttributeSubject,
  service: RegisteredService,
  environment: AttributeEnvironment,
): boolean {
  const target = usualReleaseTarget(service, environment)
  return explainRelease(subject, target, environment).attributes.every(
    ({ isRequired, outcome, reason, missing }) =>
      !isRequired ||
      !(
        (outcome === 'refused' && reason === 'not-for-affiliation') ||
        (outcome === 'missing' && missing.includes('studentRole'))
      ),
  )
}
