import { afmCheckDigit } from '../src/people/afm.ts'
import { amkaCheckDigit } from '../src/people/amka.ts'
import { transliterate } from '../src/people/elot743.ts'
import { type RegistryColumn, registryColumns } from '../src/people/registry-record.ts'
import { activationRows } from './activations.ts'
import {
  departmentFacts,
  departments,
  femaleNames,
  foreigners,
  maleNames,
  surnames,
} from './names.ts'
import { seededRandom } from './random.ts'

type Row = Partial<Record<RegistryColumn, string>>

interface PersonFacts extends Row {
  firstNameEl?: string
  lastNameEl?: string
}

/**
 * Some 200 synthetic people in all roles and states, as rows of the registry format. The same at
 * every call. Numbers pass their checks and belong to nobody; mail is at example.org, mobiles are
 * in +30 690 000 0000 to 9999, which nobody in the demo is ever called on.
 */
export function demoRegistryRows(): Row[] {
  const made = new DemoRegistry()
  made.addNamedPeople()
  made.addOthers()
  return [...made.rows, ...activationRows]
}

/** The same as a CSV file with header. */
export function demoRegistryCsv(): string {
  const lines = demoRegistryRows().map((row) =>
    registryColumns.map((column) => quoted(row[column] ?? '')).join(','),
  )
  return `${[registryColumns.join(','), ...lines].join('\n')}\n`
}

function quoted(value: string): string {
  return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

type Degree = 'bachelor' | 'integrated-master' | 'master' | 'doctorate'
type Department = (typeof departments)[number]

class DemoRegistry {
  readonly rows: Row[] = []
  readonly #random = seededRandom(1837)
  readonly #numbers = new Set<string>()
  readonly #usernames = new Set<string>()
  #count = 0
  #contactCount = 0

  /** Those of demoAccounts. */
  addNamedPeople(): void {
    const [informatics, mathematics, , history] = departments as [
      Department,
      Department,
      Department,
      Department,
    ]
    const named = (
      username: string,
      gender: '1' | '2',
      firstNameEl: string,
      lastNameEl: string,
      birthDate: string,
    ) => this.#person({ username, gender, firstNameEl, lastNameEl, birthDate })

    const dimitra = named('dpapadopoulou', '2', 'Δήμητρα', 'Παπαδοπούλου', '2004-03-08')
    this.#student(dimitra, informatics, 'bachelor')
    const georgios = named('gnikolaidis', '1', 'Γεώργιος', 'Νικολαΐδης', '1971-11-22')
    this.#employee(georgios, 'faculty', mathematics)
    const eleni = named('eantoniou', '2', 'Ελένη', 'Αντωνίου', '1989-06-30')
    this.#employee(eleni, 'staff', history)
    this.#student(eleni, history, 'doctorate')
    const michail = named('mkonstantinou', '1', 'Μιχαήλ', 'Κωνσταντίνου', '1980-01-17')
    this.#affiliate(michail, informatics)
    const anna = named('akaragianni', '2', 'Άννα', 'Καραγιάννη', '2002-09-12')
    this.#student(anna, mathematics, 'bachelor')
    this.#student(anna, history, 'master')
    this.#student(
      this.#foreigner(foreigners[0] as (typeof foreigners)[number], 'jmustermann'),
      informatics,
      'master',
    )
    const leonidas = named('lalexiou', '1', 'Λεωνίδας', 'Αλεξίου', '1996-04-04')
    this.#student(leonidas, mathematics, 'bachelor', {
      status: 'ended',
      validTo: '2020-07-10',
      graduatedOn: '2020-07-10',
    })
    const konstantinos = named('kvlachos', '1', 'Κωνσταντίνος', 'Βλάχος', '2005-02-14')
    this.#student(konstantinos, informatics, 'bachelor')
    const sofia = named('stheodorou', '2', 'Σοφία', 'Θεοδώρου', '2003-12-01')
    this.#student(sofia, history, 'bachelor')
    const pavlos = named('pgeorgiadis', '1', 'Παύλος', 'Γεωργιάδης', '1968-08-19')
    this.#employee(pavlos, 'staff', informatics)
    const ioanna = named('iioannidou', '2', 'Ιωάννα', 'Ιωαννίδου', '1992-05-25')
    this.#affiliate(ioanna, history)
  }

  addOthers(): void {
    const many = (count: number, make: (index: number) => void) => {
      for (let index = 0; index < count; index++) make(index)
    }
    many(70, () => this.#student(this.#anyone(2001, 2008), this.#department(), 'bachelor'))
    many(12, () =>
      this.#student(this.#anyone(2000, 2007), this.#engineering(), 'integrated-master'),
    )
    many(16, () => this.#student(this.#anyone(1988, 2003), this.#department(), 'master'))
    many(12, () => this.#student(this.#anyone(1984, 1999), this.#department(), 'doctorate'))
    many(6, () =>
      this.#student(this.#anyone(2001, 2006), this.#department(), 'bachelor', {
        status: 'suspended',
      }),
    )
    many(12, (index) =>
      this.#student(this.#anyone(1985, 2000), this.#department(), 'bachelor', {
        status: 'ended',
        validTo: `${2012 + index}-07-10`,
      }),
    )
    // Known to two sources, or twice to one.
    many(3, () => {
      const person = this.#anyone(1985, 1998)
      this.#employee(person, 'staff', this.#department())
      this.#student(person, this.#department(), 'doctorate')
    })
    many(3, (index) => {
      const person = this.#anyone(2000, 2004)
      this.#student(person, departments[index] as Department, 'bachelor')
      this.#student(person, departments[index + 3] as Department, 'bachelor')
    })
    many(2, () => {
      const person = this.#anyone(1990, 1999)
      this.#student(person, this.#department(), 'master', {
        status: 'ended',
        validTo: '2022-07-10',
      })
      this.#employee(person, 'faculty', this.#department())
    })
    many(22, () => this.#employee(this.#anyone(1957, 1990), 'faculty', this.#department()))
    many(22, () => this.#employee(this.#anyone(1960, 1998), 'staff', this.#department()))
    many(10, () => this.#affiliate(this.#anyone(1960, 2000), this.#department()))
    for (const foreigner of foreigners.slice(1)) {
      this.#student(this.#foreigner(foreigner), this.#department(), 'master')
    }
    // The Secretariat has not filled in everything: activation tells them so.
    many(3, () => this.#student({ ...this.#anyone(2004, 2008), username: '' }, this.#department()))
    many(3, () => this.#student({ ...this.#anyone(2004, 2008), amka: '' }, this.#department()))
    many(2, () => this.#student({ ...this.#anyone(2004, 2008), birthDate: '' }, this.#department()))
    // One family, one telephone: a mobile number alone does not tell who is who.
    many(4, () => {
      const [male, female] = this.#pick(surnames)
      const brother = this.#anyone(2003, 2005, { gender: '1', lastNameEl: male })
      const { mobile, fatherNameEl } = brother
      const sister = this.#anyone(2006, 2008, { gender: '2', lastNameEl: female })
      this.#student(brother, this.#department())
      this.#student({ ...sister, mobile, fatherNameEl }, this.#department())
    })
  }

  #student(
    person: PersonFacts,
    department: Department,
    degreeLevel: Degree = 'bachelor',
    changes: Row = {},
  ): void {
    const year = 2025 - this.#below(4) - (changes.status === 'ended' ? 12 : 0)
    const registrationNumber = `${year}${String(++this.#count).padStart(4, '0')}`
    this.#add('sis', registrationNumber, {
      ...person,
      role: 'student',
      username: person.username ?? `${department.code}${registrationNumber}`,
      registrationNumber,
      degreeLevel,
      enrollmentTerm: `${1 + 2 * (2025 - year)}`,
      attendanceType: 'full-time',
      inscriptionTerm: '1',
      inscriptionYear: String(year),
      inscriptionMethod: '1',
      validFrom: `${year}-10-01`,
      ...departmentFacts(department),
      ...changes,
    })
    // Their other rows carry the same one.
    person.username ??= `${department.code}${registrationNumber}`
  }

  #employee(person: PersonFacts, role: 'faculty' | 'staff', department: Department): void {
    person.username ??= this.#nameUsername(person)
    const registrationNumber = `E${String(++this.#count).padStart(5, '0')}`
    this.#add('hr', registrationNumber, {
      ...person,
      role,
      afm: person.afm ?? this.#afm(),
      registrationNumber,
      validFrom: `${2001 + this.#below(22)}-09-01`,
      ...departmentFacts(department),
    })
  }

  #affiliate(person: PersonFacts, department: Department): void {
    person.username ??= this.#nameUsername(person)
    this.#add('affiliates', `A${String(++this.#count).padStart(4, '0')}`, {
      ...person,
      role: 'affiliate',
      ...departmentFacts(department),
    })
  }

  #add(source: string, sourceId: string, facts: Row): void {
    this.rows.push({ source, sourceId, status: 'active', ...facts })
  }

  #anyone(firstYear: number, lastYear: number, facts: PersonFacts = {}): PersonFacts {
    const gender = facts.gender ?? (this.#below(2) === 0 ? '1' : '2')
    const [male, female] = this.#pick(surnames)
    const two = (value: number) => String(value).padStart(2, '0')
    const year = firstYear + this.#below(lastYear - firstYear + 1)
    return this.#person({
      gender,
      firstNameEl: this.#pick(gender === '1' ? maleNames : femaleNames),
      lastNameEl: gender === '1' ? male : female,
      birthDate: `${year}-${two(1 + this.#below(12))}-${two(1 + this.#below(28))}`,
      ...facts,
    })
  }

  /** Adds what everybody has: number, father, citizenship, contacts. */
  #person(facts: PersonFacts): PersonFacts {
    if (facts.username) this.#usernames.add(facts.username)
    return {
      ...facts,
      amka: this.#amka(facts.birthDate as string, facts.gender as string),
      fatherNameEl: this.#pick(maleNames),
      citizenship: 'GR',
      ...this.#contacts(),
    }
  }

  #foreigner(foreigner: (typeof foreigners)[number], username?: string): PersonFacts {
    const { country, firstName, lastName, gender } = foreigner
    const serial = String(100_000 + this.#below(900_000))
    return {
      username: username ?? this.#nameUsername({ firstNameEl: firstName, lastNameEl: lastName }),
      ssnCountry: country,
      ssn: `SYNTHETIC${serial}`,
      firstNameEn: firstName,
      lastNameEn: lastName,
      birthDate: `${1996 + this.#below(8)}-0${1 + this.#below(9)}-1${this.#below(10)}`,
      gender,
      citizenship: country,
      ...this.#contacts(),
    }
  }

  #contacts(): Row {
    const serial = String(++this.#contactCount).padStart(4, '0')
    return { mobile: `+30690000${serial}`, email: `person${serial}@example.org` }
  }

  /** First letter and surname in Latin letters, numbered when taken. */
  #nameUsername(person: PersonFacts): string {
    const latin = (text: string) =>
      transliterate(text)
        .normalize('NFD')
        .toLowerCase()
        .replace(/[^a-z]/g, '')
    const base = latin(person.firstNameEl ?? '').slice(0, 1) + latin(person.lastNameEl ?? '')
    let username = base
    for (let number = 2; this.#usernames.has(username); number++) username = `${base}${number}`
    this.#usernames.add(username)
    return username
  }

  /** Digit 10 is odd for men, even for women. */
  #amka(birthDate: string, gender: string): string {
    const [year, month, day] = birthDate.split('-') as [string, string, string]
    for (;;) {
      const serial = String(this.#below(1000)).padStart(3, '0')
      const sexDigit = 2 * this.#below(5) + (gender === '1' ? 1 : 0)
      const ten = `${day}${month}${year.slice(2)}${serial}${sexDigit}`
      const amka = ten + amkaCheckDigit(ten)
      if (this.#isNew(amka)) return amka
    }
  }

  #afm(): string {
    for (;;) {
      const eight = String(10_000_000 + this.#below(90_000_000))
      const afm = eight + afmCheckDigit(eight)
      if (this.#isNew(afm)) return afm
    }
  }

  #isNew(number: string): boolean {
    if (this.#numbers.has(number)) return false
    this.#numbers.add(number)
    return true
  }

  #department(): Department {
    return this.#pick(departments)
  }

  #engineering(): Department {
    return departments[5 + this.#below(2)] as Department
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }
}
