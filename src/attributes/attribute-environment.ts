import type { AppContext } from '../context.ts'
import { openNationalNumber } from '../people/national-number.ts'
import { openPresets } from './presets/open-presets.ts'
import type { AttributeEnvironment } from './release-types.ts'

/** What attribute values are computed from besides the person. Build it once, at start. */
export function attributeEnvironment(
  context: Pick<AppContext, 'config' | 'institution' | 'secrets'>,
): AttributeEnvironment {
  const { config, institution, secrets } = context
  const { schGrAcInscriptionName } = institution.attributes ?? {}
  return {
    institution,
    scope: config.scope,
    entityId: config.samlEntityId,
    pairwiseKey: secrets.get('pairwise'),
    presets: openPresets(config, institution),
    samlNames: schGrAcInscriptionName ? { schGrAcInscription: schGrAcInscriptionName } : undefined,
    openNationalNumber: (sealed) => openNationalNumber(secrets, sealed),
  }
}
