import type { Account } from '../people/account.ts'
import type { Person } from '../people/person.ts'

/** Not of 128 random bits like everybody's: nobody has it. */
const id = '7e57'.repeat(8)

/**
 * A student who does not exist, for showing a service what it would receive. Has no national number:
 * not even an invented one is shown to strangers.
 */
export const syntheticPerson: Person = {
  _id: id,
  firstName: { el: 'Δοκιμή', en: 'Test' },
  lastName: { el: 'Συνθετική', en: 'Synthetic' },
  birthDate: '2000-01-01',
  gender: 9,
  citizenship: ['GR'],
  nationalNumbers: [],
  roles: [
    {
      source: 'synthetic',
      sourceId: '1',
      role: 'student',
      status: 'active',
      departmentName: { el: 'Τμήμα Δοκιμών (συνθετικό)', en: 'Department of Tests (synthetic)' },
      registrationNumber: '00000000',
      degreeLevel: 'bachelor',
    },
  ],
}

export const syntheticAccount: Account = {
  _id: id,
  username: 'test-student',
  state: 'active',
}
