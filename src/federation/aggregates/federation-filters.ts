import type { EntityFacts } from './entity-facts.ts'
import type { FederationFilters } from './federation-model.ts'

/** Whether an entity is one that the federation's admins want. An unknown registrar is on no list. */
export function matchesFilters(facts: EntityFacts, filters: FederationFilters): boolean {
  const { registrationAuthority: authority, roles, entityCategories } = facts
  if (!filters.roles.some((role) => roles.includes(role))) return false
  const { allowAuthorities, denyAuthorities, entityCategories: categories } = filters
  if (allowAuthorities && (authority === undefined || !allowAuthorities.includes(authority))) {
    return false
  }
  if (authority !== undefined && denyAuthorities?.includes(authority)) return false
  return !categories || categories.some((one) => entityCategories.includes(one))
}
