import type {
  AttributeDefinition,
  AttributeEnvironment,
  AttributeFact,
  AttributeSubject,
  ReleaseTarget,
} from './release-types.ts'

// TODO: stands in for the full version, which was written here and was replaced by mistake: write it
// here again. Until then every fact of the attribute is named, also those that are on record.

/** What the person's records lack for a value of the attribute; empty when there is one. */
export function missingFacts(
  definition: AttributeDefinition,
  subject: AttributeSubject,
  environment: AttributeEnvironment,
  target: ReleaseTarget,
): readonly AttributeFact[] {
  if (definition.values(subject, environment, target).length > 0) return []
  return definition.facts ?? []
}
