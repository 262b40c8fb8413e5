import type { ReleaseTarget, ValueForms } from './release-types.ts'

/** Carried by services that read the European Student Identifier. */
export const esiCategory = 'https://myacademicid.org/entity-categories/esi'

/**
 * How values are written for a service: as its preset or an administrator says, else Greek at home
 * and international for services that another country's federation registered.
 */
export function valueForms(
  target: ReleaseTarget,
): Required<Omit<ValueForms, 'codeRoles'>> & Pick<ValueForms, 'codeRoles'> {
  const { forms = {}, audience, entityCategories } = target
  const isAbroad = audience === 'international'
  const readsEsi = isAbroad || entityCategories.includes(esiCategory)
  return {
    names: forms.names ?? (isAbroad ? 'en' : 'el'),
    uniqueCode: forms.uniqueCode ?? (readsEsi ? 'esi' : 'gr'),
    uniqueId: forms.uniqueId ?? (isAbroad ? 'schac' : 'terena'),
    codeRoles: forms.codeRoles,
  }
}
