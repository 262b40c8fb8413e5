import type { LocalizedText } from '../src/institution.ts'
import { afmCheckDigit } from '../src/people/afm.ts'
import { amkaCheckDigit } from '../src/people/amka.ts'
import type { RegistryRow } from '../src/people/registry-record.ts'
import type { RoleChoice } from '../src/people/role-choice.ts'
import { departmentFacts, departments } from './names.ts'

/** Somebody of the demo to activate an account for: what to choose and to type. */
export interface DemoActivation {
  readonly title: LocalizedText
  readonly role: RoleChoice
  /** As people type it. */
  readonly mobile?: string
  readonly email?: string
  /** What happens, and what else to type. */
  readonly tell?: LocalizedText
}

type Facts = Partial<Record<keyof RegistryRow, string>>
type Department = (typeof departments)[number]

const [informatics, mathematics, physics, history, philology] = departments as [
  Department,
  Department,
  Department,
  Department,
  Department,
]

const family = { mobile: '+306900009005', fatherNameEl: 'Ηλίας' }
const twins = { email: 'twins@example.org', birthDate: '2006-04-17', fatherNameEl: 'Πέτρος' }

/** Synthetic like all others, with names and contact details that stay the same. */
export const activationRows: readonly RegistryRow[] = [
  student(informatics, 1, {
    ...named('Μυρτώ', 'Φωτοπούλου', '2'),
    ...born('2007-05-14', '2'),
    fatherNameEl: 'Γεώργιος',
    mobile: '+306900009001',
    email: 'myrto@example.org',
  }),
  student(mathematics, 2, {
    ...named('Ιάσων', 'Ρήγας', '1'),
    birthDate: '2007-02-03',
    fatherNameEl: 'Νικόλαος',
    mobile: '+306900009002',
    email: 'iason@example.org',
  }),
  student(physics, 3, {
    firstNameEn: 'Sofie',
    lastNameEn: 'Eksempel',
    gender: '2',
    citizenship: 'DK',
    birthDate: '2001-08-19',
    mobile: '+306900009003',
    email: 'sofie@example.org',
    degreeLevel: 'master',
  }),
  student(history, 4, {
    ...named('Άγγελος', 'Κοντός', '1'),
    amka: syntheticAmka('2006-10-28', '1'),
    username: '',
    mobile: '+306900009004',
    email: 'angelos@example.org',
  }),
  student(philology, 5, {
    ...named('Δέσποινα', 'Μακρή', '2'),
    ...born('2005-09-02', '2'),
    ...family,
    email: 'despina@example.org',
  }),
  student(informatics, 6, {
    ...named('Φώτιος', 'Μακρής', '1'),
    ...born('2007-06-25', '1'),
    ...family,
    email: 'fotis@example.org',
  }),
  student(history, 7, {
    ...named('Ναυσικά', 'Διαμαντή', '2'),
    ...twins,
    amka: syntheticAmka(twins.birthDate, '2'),
    mobile: '+306900009007',
  }),
  student(physics, 8, {
    ...named('Οδυσσέας', 'Διαμαντής', '1'),
    ...twins,
    amka: syntheticAmka(twins.birthDate, '1'),
    mobile: '+306900009008',
  }),
  employee(informatics, 1, {
    ...named('Βασιλική', 'Ξενάκη', '2'),
    ...born('1985-12-12', '2'),
    username: 'vxenaki',
    afm: syntheticAfm('90000001'),
    mobile: '+306900009009',
    email: 'vxenaki@example.org',
  }),
  {
    source: 'affiliates',
    sourceId: 'A9001',
    role: 'affiliate',
    status: 'active',
    ...named('Στέφανος', 'Λιάπης', '1'),
    ...born('1979-03-30', '1'),
    username: 'sliapis',
    mobile: '+306900009010',
    email: 'sliapis@example.org',
    ...departmentFacts(mathematics),
  },
  ...secondRole(),
]

/** Student and employee; demoAccounts has activated the student only. */
function secondRole(): RegistryRow[] {
  const alexandra: Facts = {
    ...named('Αλεξάνδρα', 'Σταυροπούλου', '2'),
    ...born('1994-07-21', '2'),
    username: 'astavropoulou',
    mobile: '+306900009011',
    email: 'alexandra@example.org',
  }
  return [
    student(philology, 9, { ...alexandra, degreeLevel: 'doctorate' }),
    employee(philology, 2, { ...alexandra, afm: syntheticAfm('90000002') }),
  ]
}

/** What the trial page lists for trying activation. PINs arrive at /dev/outbox. */
export const demoActivations: readonly DemoActivation[] = [
  {
    title: {
      el: 'Μυρτώ Φωτοπούλου, πρωτοετής με όλα τα στοιχεία',
      en: 'Myrto Fotopoulou, first-year student with everything on record',
    },
    role: 'student',
    mobile: '6900009001',
    email: 'myrto@example.org',
    tell: {
      el: 'Δώστε το ένα ή και τα δύο: με τα δύο, ο κωδικός PIN στέλνεται και στα δύο.',
      en: 'Give one of them or both: with both, the PIN goes to both.',
    },
  },
  {
    title: {
      el: 'Ιάσων Ρήγας, χωρίς ΑΜΚΑ στη Γραμματεία',
      en: 'Iason Rigas, no AMKA on record',
    },
    role: 'student',
    mobile: '6900009002',
    email: 'iason@example.org',
    tell: {
      el: `ΑΜΚΑ: ${syntheticAmka('2007-02-03', '1')}. Με ΑΜΚΑ άλλης ημερομηνίας γέννησης βλέπετε τον ανεπιτυχή έλεγχο.`,
      en: `AMKA: ${syntheticAmka('2007-02-03', '1')}. The AMKA of another birth date shows the failed check.`,
    },
  },
  {
    title: {
      el: 'Sofie Eksempel από τη Δανία, χωρίς κανέναν αριθμό ασφάλισης',
      en: 'Sofie Eksempel from Denmark, no insurance number on record',
    },
    role: 'student',
    mobile: '6900009003',
    email: 'sofie@example.org',
    tell: {
      el: 'Επιλέξτε αριθμό ασφάλισης άλλης χώρας: Δανία, SYNTHETIC190801.',
      en: "Choose another country's insurance number: Denmark, SYNTHETIC190801.",
    },
  },
  {
    title: {
      el: 'Άγγελος Κοντός, χωρίς όνομα χρήστη και ημερομηνία γέννησης στη Γραμματεία',
      en: 'Angelos Kontos, no username and no birth date on record',
    },
    role: 'student',
    mobile: '6900009004',
    email: 'angelos@example.org',
    tell: {
      el: 'Η ενεργοποίηση σταματά και δείχνει τι πρέπει να συμπληρώσει η Γραμματεία.',
      en: 'Activation stops and shows what the Secretariat has to fill in.',
    },
  },
  {
    title: {
      el: 'Δέσποινα Μακρή και Φώτιος Μακρής, αδέλφια με ένα τηλέφωνο',
      en: 'Despoina Makri and Fotios Makris, siblings with one telephone',
    },
    role: 'student',
    mobile: '6900009005',
    tell: {
      el: 'Μετά το PIN ζητείται η ημερομηνία γέννησης: 2/9/2005 για τη Δέσποινα, 25/6/2007 για τον Φώτιο.',
      en: 'After the PIN you are asked for the birth date: 2 September 2005 for Despoina, 25 June 2007 for Fotios.',
    },
  },
  {
    title: {
      el: 'Ναυσικά Διαμαντή και Οδυσσέας Διαμαντής, δίδυμα με ένα e-mail',
      en: 'Nafsika Diamanti and Odysseas Diamantis, twins with one e-mail address',
    },
    role: 'student',
    email: 'twins@example.org',
    tell: {
      el: 'Ημερομηνία γέννησης 17/4/2006 και για τους δύο, ύστερα αριθμός μητρώου: 20259007 ή 20259008.',
      en: 'Birth date 17 April 2006 for both, then the registration number: 20259007 or 20259008.',
    },
  },
  {
    title: { el: 'Βασιλική Ξενάκη, νέα υπάλληλος', en: 'Vasiliki Xenaki, new employee' },
    role: 'staff',
    mobile: '6900009009',
    email: 'vxenaki@example.org',
  },
  {
    title: {
      el: 'Στέφανος Λιάπης, εξωτερικός συνεργάτης',
      en: 'Stefanos Liapis, contractor',
    },
    role: 'affiliate',
    mobile: '6900009010',
    email: 'sliapis@example.org',
  },
  {
    title: {
      el: 'Αλεξάνδρα Σταυροπούλου, δεύτερη ιδιότητα στον ίδιο λογαριασμό',
      en: 'Alexandra Stavropoulou, a second role on the same account',
    },
    role: 'staff',
    mobile: '6900009011',
    email: 'alexandra@example.org',
    tell: {
      el: 'Έχει ήδη λογαριασμό ως υποψήφια διδάκτωρ (astavropoulou, στους λογαριασμούς επίδειξης) και προσθέτει την ιδιότητα της υπαλλήλου με τον ίδιο κωδικό.',
      en: 'She has an account as a doctoral candidate (astavropoulou, among the demo accounts) and adds her role as an employee, with the same password.',
    },
  },
  {
    title: {
      el: 'Δήμητρα Παπαδοπούλου, που έχει ήδη ενεργοποιήσει τον λογαριασμό της',
      en: 'Dimitra Papadopoulou, who has activated her account already',
    },
    role: 'student',
    mobile: '6900000001',
    email: 'person0001@example.org',
    tell: {
      el: 'Η ενεργοποίηση γίνεται μία φορά: δείτε τι της λέει η σελίδα.',
      en: 'Activation is done once: see what the page tells her.',
    },
  },
]

function student(department: Department, number: number, facts: Facts): RegistryRow {
  const registrationNumber = `2025900${number}`
  return {
    source: 'sis',
    sourceId: registrationNumber,
    role: 'student',
    status: 'active',
    username: `${department.code}${registrationNumber}`,
    registrationNumber,
    degreeLevel: 'bachelor',
    enrollmentTerm: '1',
    attendanceType: 'full-time',
    inscriptionTerm: '1',
    inscriptionYear: '2025',
    inscriptionMethod: '1',
    validFrom: '2025-10-01',
    ...departmentFacts(department),
    ...facts,
  }
}

function employee(department: Department, number: number, facts: Facts): RegistryRow {
  const registrationNumber = `E9000${number}`
  return {
    source: 'hr',
    sourceId: registrationNumber,
    role: 'staff',
    status: 'active',
    registrationNumber,
    validFrom: '2025-09-01',
    ...departmentFacts(department),
    ...facts,
  }
}

function named(firstNameEl: string, lastNameEl: string, gender: '1' | '2'): Facts {
  return { firstNameEl, lastNameEl, gender, citizenship: 'GR' }
}

function born(birthDate: string, gender: '1' | '2'): Facts {
  return { birthDate, amka: syntheticAmka(birthDate, gender) }
}

/** Passes the check and belongs to nobody; digit 10 is odd for men, even for women. */
function syntheticAmka(birthDate: string, gender: '1' | '2'): string {
  const [year, month, day] = birthDate.split('-') as [string, string, string]
  const ten = `${day}${month}${year.slice(2)}000${gender}`
  return ten + amkaCheckDigit(ten)
}

function syntheticAfm(eightDigits: string): string {
  return eightDigits + afmCheckDigit(eightDigits)
}
