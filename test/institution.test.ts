import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { ConfigError } from '../src/config.ts'
import { acceptedVersions, activationRules, loadInstitution } from '../src/institution.ts'

const folder = mkdtempSync(join(tmpdir(), 'propylaia-institution-'))
after(() => rmSync(folder, { recursive: true }))

const demoFile = join(import.meta.dirname, '../demo/institution.json')
const demo = JSON.parse(readFileSync(demoFile, 'utf8'))
const optional =
  'mailFrom recordKeepers terms privacy passwordRules activation registrationAuthority departments attributes release federation'.split(
    ' ',
  )
const plain = Object.fromEntries(
  Object.entries(demo).filter(([field]) => !optional.includes(field)),
)

const both = (text: string) => ({ el: text, en: text })
const section = { title: both('Τίτλος'), text: both('Κείμενο') }
const keeper = { name: both('Γραμματεία') }

function load(changes: Record<string, unknown>) {
  const file = join(folder, 'institution.json')
  writeFileSync(file, JSON.stringify({ ...plain, ...changes }))
  return loadInstitution(file)
}

/** What the start says about the file, without its name. */
function problemsOf(changes: Record<string, unknown>): string[] {
  try {
    load(changes)
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map((problem) => problem.replace(/^INSTITUTION_FILE \S+: /, ''))
  }
}

describe('the institution file', () => {
  it('needs none of the optional parts', () => {
    assert.deepEqual(problemsOf({}), [])
  })

  it('may have them all', () => {
    const file = load({
      mailFrom: 'no-reply@uni.example.gr',
      recordKeepers: {
        student: { ...keeper, email: 'gr@uni.example.gr', phone: '+30 210', url: 'https://x.gr/' },
        staff: keeper,
        affiliate: keeper,
        departments: { INF: keeper, '0101': keeper },
      },
      terms: { version: '2026-09-01', sections: [section] },
      privacy: { version: '1', sections: [section, section] },
      passwordRules: { minLength: 12, minNonAlphabetic: 0, maxDigitRun: 2, minDifferent: 20 },
      activation: { contacts: 'exactly-one', taxNumberRequiredFor: ['undergraduate', 'staff'] },
      departments: { INF: { name: both('Πληροφορική'), ministryCode: '267' }, '01': keeper },
      attributes: {
        primaryAffiliation: ['student', 'faculty', 'staff'],
        europeanStudentIdentifier: { form: 'national', code: 'department-and-registration-number' },
        linkage: {
          sis: { category: 'SIS', identifier: 'studentID' },
          'sis-master': { category: 'SIS', identifier: 'studentID', sequence: 2 },
        },
        schGrAcInscriptionName: 'urn:oid:1.3.6.1.4.1.36215.1.2.7',
        assurance: {
          identityProofing: 'medium',
          localEnterprise: true,
          usernamesNeverReassigned: false,
          affiliationFreshness: '1d',
        },
      },
      release: {
        disclosure: 'inform',
        presets: { 'https://sp.example.gr': 'atlas' },
        entityCategories: ['research-and-scholarship', 'esi'],
        foreignRequests: false,
      },
      registrationAuthority: 'http://aai.grnet.gr/',
      federation: {
        registrationPolicy: { el: 'https://aai.example/mrps', en: 'https://aai.example/mrps' },
        registrationInstant: '2026-09-01T00:00:00Z',
        entityCategorySupport: ['research-and-scholarship', 'esi'],
        assuranceCertification: ['sirtfi', 'sirtfi2'],
        hideFromDiscovery: true,
        geolocationHints: ['geo:37.9755,23.7348'],
        domainHints: ['uni.example.gr'],
        ipHints: ['192.0.2.0/24', '2001:db8::/32'],
        publishServices: true,
      },
    })
    assert.equal(file.recordKeepers?.departments?.['0101']?.name.el, 'Γραμματεία')
  })

  it('may leave out any rule', () => {
    assert.deepEqual(problemsOf({ passwordRules: {}, activation: {}, recordKeepers: {} }), [])
    assert.deepEqual(problemsOf({ departments: {}, attributes: {}, release: {} }), [])
    assert.deepEqual(problemsOf({ attributes: { assurance: {}, linkage: {} } }), [])
  })

  it('may give several kinds of home organisation', () => {
    const type = demo.homeOrganizationType
    assert.deepEqual(problemsOf({ homeOrganizationType: [type, `${type}2`] }), [])
    const [one, none] = [
      problemsOf({ homeOrganizationType: ['university'] }),
      problemsOf({ homeOrganizationType: [] }),
    ]
    assert.match(one[0] as string, /^homeOrganizationType\[0\]: must be a URN .*got "university"$/)
    assert.deepEqual(none, ['homeOrganizationType: must have at least 1, got none'])
  })

  const wrong: [string, Record<string, unknown>, string[]][] = [
    [
      'a sender that is no address',
      { mailFrom: 'Help <help@uni.example.gr>' },
      ['mailFrom: must be a mail address, got "Help <help@uni.example.gr>"'],
    ],
    [
      'a record keeper without an English name',
      { recordKeepers: { staff: { name: { el: 'Προσωπικό' } } } },
      ['recordKeepers.staff.name.en: must be a text, got nothing'],
    ],
    [
      "a department's wrong details, each by its code",
      {
        recordKeepers: {
          departments: { INF: { ...keeper, email: 'none', url: '/gr' }, MATH: 'Γραμματεία' },
        },
      },
      [
        'recordKeepers.departments.INF.email: must be a mail address, got "none"',
        'recordKeepers.departments.INF.url: must be a URL that starts with https:// or http://, got "/gr"',
        'recordKeepers.departments.MATH: must be an object, got "Γραμματεία"',
      ],
    ],
    [
      'a link that would run script',
      { recordKeepers: { staff: { ...keeper, url: 'javascript:alert(1)' } } },
      [
        'recordKeepers.staff.url: must be a URL that starts with https:// or http://, got "javascript:alert(1)"',
      ],
    ],
    [
      'texts without version or sections',
      { terms: {}, privacy: { version: 3, sections: [] } },
      [
        'terms.version: must be a text, got nothing',
        'terms.sections: must be a list, got nothing',
        'privacy.version: must be a text, got 3',
        'privacy.sections: must have at least 1, got none',
      ],
    ],
    [
      'a section with a title only',
      { terms: { version: '1', sections: [section, { title: both('Τίτλος') }] } },
      ['terms.sections[1].text: must be an object, got nothing'],
    ],
    [
      'password rules that nobody could keep, or that protect nobody',
      {
        passwordRules: {
          minLength: 5,
          minNonAlphabetic: 9,
          maxDigitRun: 1,
          minDifferent: '5',
        },
      },
      [
        'passwordRules.minLength: must be a whole number from 6 to 64, got 5',
        'passwordRules.minNonAlphabetic: must be a whole number from 0 to 8, got 9',
        'passwordRules.maxDigitRun: must be a whole number from 2 to 10, got 1',
        'passwordRules.minDifferent: must be a whole number from 1 to 20, got "5"',
      ],
    ],
    [
      'unknown rules of activation',
      { activation: { contacts: 'one', taxNumberRequiredFor: ['student'] } },
      [
        'activation.contacts: must be "any" or "exactly-one", got "one"',
        'activation.taxNumberRequiredFor[0]: must be "undergraduate" or "postgraduate" or "staff" or "affiliate", got "student"',
      ],
    ],
    [
      'a list in place of an object, and null',
      { recordKeepers: [keeper], activation: null },
      [
        'recordKeepers: must be an object, got [{"name":{"el":"Γραμματεία","en":"Γραμματεία"}}]',
        'activation: must be an object, got null',
      ],
    ],
    [
      'claims to the federation that the file does not bear out',
      {
        federation: {
          entityCategorySupport: ['personalized', 'esi'],
          assuranceCertification: ['sirtfi2'],
          registrationInstant: '2026-09-01T00:00:00Z',
        },
        release: { entityCategories: ['esi'] },
        securityContact: { email: 'security@uni.example.gr' },
      },
      [
        'securityContact.givenName: must be a name',
        'federation.entityCategorySupport: "personalized" is not honoured; add it to release.entityCategories, or do not claim it',
        'federation.entityCategorySupport: "esi" needs attributes.europeanStudentIdentifier, which says how the identifier is made',
        'federation.assuranceCertification: "sirtfi2" needs "sirtfi" beside it',
        'federation.assuranceCertification: Sirtfi needs securityContact, with givenName and email',
        'federation.registrationInstant: needs registrationAuthority: without it the federation says who registered us',
      ],
    ],
    [
      'hints that no reader of metadata understands',
      {
        federation: {
          geolocationHints: ['37.97,23.73'],
          domainHints: ['https://uni.example.gr/'],
          ipHints: ['192.0.2.0', '192.0.2.0/33'],
          registrationInstant: '2026-09-01',
          publishServices: 'no',
        },
        registrationAuthority: 'http://aai.grnet.gr/',
      },
      [
        'federation.geolocationHints[0]: must be a geo URI such as "geo:37.9755,23.7348", got "37.97,23.73"',
        'federation.domainHints[0]: must be a domain such as "uni.example.gr", got "https://uni.example.gr/"',
        'federation.ipHints[0]: must be a block of addresses such as "192.0.2.0/24", got "192.0.2.0"',
        'federation.ipHints[1]: must be a block of addresses such as "192.0.2.0/24", got "192.0.2.0/33"',
        'federation.registrationInstant: must be a time in UTC such as "2026-09-01T00:00:00Z", got "2026-09-01"',
        'federation.publishServices: must be true or false, got "no"',
      ],
    ],
    [
      'an entity category that nobody knows',
      { release: { entityCategories: ['r-and-s'], foreignRequests: 'yes' } },
      [
        'release.entityCategories[0]: must be "anonymous" or "pseudonymous" or "personalized" or "research-and-scholarship" or "code-of-conduct" or "esi", got "r-and-s"',
        'release.foreignRequests: must be true or false, got "yes"',
      ],
    ],
    [
      'departments with codes that URNs cannot carry',
      { departments: { 'A:1': keeper, B: { name: both('Β'), ministryCode: 267 }, C: {} } },
      [
        'departments: the code "A:1" must have no colon',
        'departments.B.ministryCode: must be a text of digits, the code that the Ministry gives the department, got 267',
        'departments.C.name: must be an object, got nothing',
      ],
    ],
    [
      'an order of affiliations with a stranger, and one that says something twice',
      { attributes: { primaryAffiliation: ['faculty', 'teacher'] } },
      [
        'attributes.primaryAffiliation[1]: must be "faculty" or "staff" or "employee" or "student" or "affiliate" or "alum" or "member", got "teacher"',
      ],
    ],
    [
      'an affiliation that is named twice',
      { attributes: { primaryAffiliation: ['faculty', 'student', 'faculty'] } },
      ['attributes.primaryAffiliation: must name each affiliation once, has "faculty" twice'],
    ],
    [
      'a national student identifier that two institutions could give',
      {
        attributes: {
          europeanStudentIdentifier: { form: 'national', code: 'registration-number' },
        },
      },
      [
        'attributes.europeanStudentIdentifier.code: must not be "registration-number" with form "national": students of two institutions may have the same one',
      ],
    ],
    [
      'a Name that another attribute has',
      { attributes: { schGrAcInscriptionName: 'urn:oid:1.3.6.1.4.1.36215.1.2.5' } },
      [
        'attributes.schGrAcInscriptionName: must not be "urn:oid:1.3.6.1.4.1.36215.1.2.5", the Name of schGrAcEnrollment',
      ],
    ],
    [
      'source systems that readers could not tell apart',
      {
        attributes: {
          linkage: {
            sis: { category: 'SIS', identifier: 'id' },
            old: { category: 'sis', identifier: 'id', sequence: 1 },
            'new sis': { category: 'NEW', identifier: 'id' },
          },
        },
      },
      [
        'attributes.linkage: no source of the registry can be called "new sis"',
        'attributes.linkage.old.sequence: must differ from that of "sis", which has the same category',
      ],
    ],
    [
      'values of attributes that cannot be written',
      {
        attributes: {
          linkage: { sis: { category: 'S:I', identifier: 'id' } },
          schGrAcInscriptionName: 'schGrAcInscription',
          assurance: { identityProofing: 'highest', localEnterprise: 'yes' },
        },
        release: { disclosure: 'never', presets: ['atlas'] },
      },
      [
        'attributes.linkage.sis.category: must be a text without spaces and colons, got "S:I"',
        'attributes.schGrAcInscriptionName: must be an OID such as "urn:oid:1.3.6.1.4.1.36215.1.2.7", got "schGrAcInscription"',
        'attributes.assurance.identityProofing: must be "low" or "medium" or "high", got "highest"',
        'attributes.assurance.localEnterprise: must be true or false, got "yes"',
        'release.disclosure: must be "ask" or "inform" or "silent", got "never"',
        'release.presets: must be an object, got ["atlas"]',
      ],
    ],
    [
      'misspelt fields, which would otherwise do nothing',
      {
        recordKeeper: {},
        passwordRules: { minLenght: 12 },
        recordKeepers: { students: keeper, staff: { ...keeper, mail: 'hr@uni.example.gr' } },
        terms: { version: '1', sections: [{ ...section, el: 'Κείμενο' }], date: '2026' },
      },
      [
        'recordKeeper: no such field (docs/institution-file.md names them all)',
        'passwordRules.minLenght: no such field, expected only minLength, minNonAlphabetic, maxDigitRun, minDifferent',
        'recordKeepers.students: no such field, expected only student, staff, affiliate, departments',
        'recordKeepers.staff.mail: no such field, expected only name, email, phone, url',
        'terms.sections[0].el: no such field, expected only title, text',
        'terms.date: no such field, expected only version, sections',
      ],
    ],
    [
      'names that every object has',
      { constructor: {}, passwordRules: { toString: 1 } },
      [
        'constructor: no such field (docs/institution-file.md names them all)',
        'passwordRules.toString: no such field, expected only minLength, minNonAlphabetic, maxDigitRun, minDifferent',
      ],
    ],
    [
      'terms that the link to the terms does not show',
      {
        termsUrl: { el: 'https://uni.example.gr/oroi', en: '/info/terms?lang=en' },
        terms: { version: '1', sections: [section] },
      },
      [
        'termsUrl.el: must be /info/terms, the page of the text in "terms", got "https://uni.example.gr/oroi"',
      ],
    ],
  ]
  for (const [what, changes, problems] of wrong) {
    it(`is refused for ${what}`, () => {
      assert.deepEqual(problemsOf(changes).sort(), problems.sort())
    })
  }

  it('repeats only the beginning of a long wrong value', () => {
    const [problem] = problemsOf({ mailFrom: 'x'.repeat(5000) })
    assert.ok((problem as string).length < 120, problem)
  })
})

describe('the manual of the institution file', () => {
  const manual = readFileSync(join(import.meta.dirname, '../docs/institution-file.md'), 'utf8')

  it('has an example that starts', () => {
    const example = manual.match(/```json\n(.*?)```/s)?.[1] ?? ''
    const file = join(folder, 'example.json')
    writeFileSync(file, example)
    assert.equal(loadInstitution(file).passwordRules?.minLength, 12)
  })

  it('names every field', () => {
    const fields = [...Object.keys(demo), ...optional]
    const nested = ['recordKeepers', 'terms', 'passwordRules', 'activation', 'attributes']
    for (const part of nested) fields.push(...Object.keys(demo[part]))
    for (const field of new Set(fields)) assert.ok(manual.includes(`\`${field}\``), field)
  })
})

describe('what the institution file decides', () => {
  it('is which versions somebody accepts', () => {
    const versions = acceptedVersions(
      load({ privacy: { version: '2026-09-01', sections: [section] } }),
    )
    assert.deepEqual(versions, { terms: 'unversioned', privacy: '2026-09-01' })
  })

  it('is how people activate, where it says something', () => {
    assert.deepEqual(activationRules(load({})), { contacts: 'any', taxNumberRequiredFor: [] })
    assert.deepEqual(activationRules(load({ activation: { contacts: 'exactly-one' } })), {
      contacts: 'exactly-one',
      taxNumberRequiredFor: [],
    })
  })
})
