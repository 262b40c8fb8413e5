/** The parts of docs/attributes.md that say how values come about. */

export const rolesText = `## Roles and affiliations

One row of a source system is one role. A role counts while it is active, from its first day to the end of its last in Greece, and if the person has activated it. Every answer reads the roles afresh: when one ends or is suspended, the next assertion of a running session and the next use of a refresh token are without it, ID token and userinfo alike.

| Role | Affiliations |
|---|---|
| \`faculty\` | faculty, employee, member |
| \`staff\` | staff, employee, member |
| \`student\` | student, member |
| \`affiliate\` | affiliate: no member |
| \`student\`, over, with \`graduatedOn\` in the past | alum: no member |
| \`student\`, over, without | none: that studies ended does not say that they were finished |

Several roles give all their affiliations, each once. The primary affiliation is the first that the person has in the order of the [institution file](institution-file.md) (\`attributes.primaryAffiliation\`), or else faculty, staff, employee, student, affiliate, alum, member. A suspended role gives nothing, a degree neither.
`

export const formsText = `## One value, several forms

A preset says in which form its service reads a value (\`forms\`); without one, whether the service is at home or registered by another country's federation.

| Form | Values | At home | Abroad |
|---|---|---|---|
| \`names\` | \`el\` Greek, \`en\` Latin letters; the other where a person has none | \`el\` | \`en\` |
| \`uniqueCode\` | \`gr\`: Ministry's department code and number, as Greek portals split it; \`esi\`: European Student Identifier | \`gr\`; \`esi\` with the [ESI entity category](https://myacademicid.org/entity-categories/esi) | \`esi\` |
| \`uniqueId\` | prefix of schacPersonalUniqueID: \`terena\` \`urn:mace:terena.org:schac\`, eight parts; \`schac\` \`urn:schac\` | \`terena\` | \`schac\` |
| \`codeRoles\` | kinds of role whose department and number go, in order: the first that has both | students only | students only |

schacPersonalUniqueCode has one value, in one form: ATLAS would append a second to the student number. Of several studies Greek readers get the undergraduate ones, then the latest begun, if department and number are both on record; department code and number are always of the same role. Okeanos takes whoever has a code for a student, so codes of staff go only where \`codeRoles\` says so.

Where a service wants both scripts, it asks for each by name: see *Names in one script*. Somebody whose source has Latin letters only has them in both.

A record without Ministry's code or name of the department gets those that the institution file has for its \`departmentCode\`.

Values whose readers split at \`:\` and count are left out when a part lacks, or holds a \`:\` or a space itself.
`

export const studentIdentifierText = `## European Student Identifier

\`urn:schac:personalUniqueCode:int:esi:DOMAIN:CODE\`, or \`…:int:esi:gr:CODE\`, as \`attributes.europeanStudentIdentifier\` of the institution file says (ESI 1.0). CODE is the registration number; or department, \`-\` and registration number, with the institution's code of the department under the domain and the Ministry's under \`gr\`; or the AcademicID. It holds letters, digits and \`( ) + , - . = @ ; $ _ ! * '\`: with anything else there is none.

It has to stay the same for a whole study and at every service. So it belongs to the studies of the person that began first, of those that run: a master's that begins during a bachelor's does not change it, nor does work at the university. A record without \`validFrom\` counts as older than all that have one, and of two such the one that came into the registry first, so let the source give the date. When those studies are over and others run, it is theirs. Students only: graduates and staff have none.
`

export const assuranceText = `## Assurance

eduPersonAssurance holds values of the REFEDS Assurance Framework 2.0, all under \`https://refeds.org/assurance\`. A value goes only when the institution vouches for its part (\`attributes.assurance\` of the institution file) and this account's activation proves the other.

| Value | The institution vouches | The account's activation shows | Why |
|---|---|---|---|
| (the bare prefix), \`/version/2\` | | account activated | our levels follow version 2 |
| \`/ID/unique\` | | account activated | one account a person, by construction; identifiers are never given again |
| \`/ID/eppn-unique-no-reassign\` | \`usernamesNeverReassigned\` | account activated | eduPersonPrincipalName is made of the username |
| \`/IAP/low\` | | account activated | somebody whom a source system knows answered for it |
| \`/IAP/medium\` | \`identityProofing\` medium or high | a PIN came back from a contact that the record held, and the national number stood in the record already, or the national AMKA registry confirmed it | the person who was identified at entry is the one who holds the account |
| \`/IAP/high\` | \`identityProofing\` high | the same, with the AMKA confirmed by the national registry | our own records confirm only what they themselves say |
| \`/IAP/local-enterprise\` | \`localEnterprise\` | PIN, or one-time passphrase on paper | the institution would let these accounts into its own systems |
| \`/ATP/ePA-1d\`, \`/ATP/ePA-1m\` | \`affiliationFreshness\`: \`1d\` gives both, \`1m\` the second | | roles are read afresh for every answer, so only the way into the registry takes time |
| \`/profile/cappuccino\` | | unique, medium and 1m are all there | |
| \`/profile/espresso\` | | unique, high and 1m are all there | |

Lower levels go with the higher ones. A passphrase on paper and an account made by an administrator stay at low: who took the paper, and what the administrator looked at, is not on record. So does somebody whose record had no number and who gave a foreign one, or an AMKA while the national registry was not asked: nobody vouches for it. What the institution vouches for is the entry of students, faculty and staff, also of those whose role has ended: an account with nothing but affiliate roles stays at low and is not for own systems.
`
