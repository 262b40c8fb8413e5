import {
  appliedCategories,
  categoryRules,
  type EntityCategory,
  entityCategoryNames,
} from '../attributes/entity-categories.ts'
import { type RegisteredService, selfOrigin } from '../federation/service.ts'
import type { CliContext } from './cli-context.ts'

/** Categories that would give the service attributes if an administrator let them count. */
export function unconfirmedCategories(
  service: RegisteredService,
  { institution }: Pick<CliContext, 'institution'>,
): readonly EntityCategory[] {
  if (service.protocol !== 'saml' || service.origin !== selfOrigin) return []
  const { categories: confirmed = [] } = service.overrides
  const honoured = institution.release?.entityCategories
  return appliedCategories(service.entityCategories, honoured).filter(
    (name) => !confirmed.includes(name),
  )
}

/** What each of them would give. */
export function unconfirmedLines(categories: readonly EntityCategory[]): readonly string[] {
  if (categories.length === 0) return []
  const what = categories.map((name) => {
    const { title, bundle } = categoryRules[name]
    const gives = bundle === 'required' ? 'what the metadata says is required' : bundle.join(', ')
    return `  ${name} (${title}): ${gives}`
  })
  return [
    'Entity categories that it claims, and what each would give if you let it count:',
    ...what,
    `Say which count with --categories ${categories.join(',')}, or --categories none.`,
  ]
}

/** @returns the names, or what is wrong with them */
export function readCategories(text: string): readonly EntityCategory[] | string {
  const names = text === 'none' ? [] : text.split(',').filter(Boolean)
  const unknown = names.find((name) => !(entityCategoryNames as readonly string[]).includes(name))
  return unknown === undefined
    ? (names as EntityCategory[])
    : `--categories takes none or some of ${entityCategoryNames.join(', ')}, got "${unknown}"`
}
