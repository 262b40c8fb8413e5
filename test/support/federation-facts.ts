import type { Institution } from '../../src/institution.ts'

/** Everything that an institution file may tell the federation; synthetic. */
export const federationFacts = {
  registrationAuthority: 'http://aai.grnet.gr/',
  release: {
    entityCategories: [
      'research-and-scholarship',
      'code-of-conduct',
      'personalized',
      'pseudonymous',
      'anonymous',
      'esi',
    ],
  },
  federation: {
    registrationPolicy: {
      el: 'https://registrar.example/mrps?lang=el&v=1',
      en: 'https://registrar.example/mrps?lang=en&v=1',
    },
    registrationInstant: '2026-09-01T00:00:00Z',
    entityCategorySupport: [
      'research-and-scholarship',
      'code-of-conduct',
      'personalized',
      'pseudonymous',
      'anonymous',
      'esi',
    ],
    assuranceCertification: ['sirtfi2', 'sirtfi'],
    hideFromDiscovery: true,
    geolocationHints: ['geo:37.9755,23.7348'],
    domainHints: ['uni.example.gr'],
    ipHints: ['192.0.2.0/24', '2001:db8::/32'],
    publishServices: true,
  },
} satisfies Partial<Institution>
