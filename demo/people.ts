import type { AppContext } from '../src/context.ts'
import type { LocalizedText } from '../src/institution.ts'
import { hashPassword } from '../src/login/password.ts'
import type { Account, AccountStanding } from '../src/people/account.ts'
import { accounts, findAccountByUsername, findPerson } from '../src/people/people-store.ts'
import { importRegistry } from '../src/people/registry-import.ts'
import type { RoleChoice } from '../src/people/role-choice.ts'
import { demoRegistryRows } from './registry.ts'

export { demoActivations } from './activations.ts'
export { demoRegistryCsv, demoRegistryRows } from './registry.ts'

/** An account to try the demo with. Its person is synthetic and its password published. */
export interface DemoAccount {
  readonly username: string
  readonly password: string
  readonly state: AccountStanding
  readonly name: LocalizedText
  readonly roles: LocalizedText
  readonly description: LocalizedText
  /** Absent: all of the person's roles. */
  readonly activatedRoles?: readonly RoleChoice[]
}

/** Published in this file: config.ts refuses the demo in production. */
const demoPassword = 'Demo!Athena.27'

/** One of each kind; all other people of the demo are pending without a password. */
export const demoAccounts: readonly DemoAccount[] = [
  demo('dpapadopoulou', 'active', ['Δήμητρα Παπαδοπούλου', 'Dimitra Papadopoulou'], {
    el: 'προπτυχιακή φοιτήτρια Πληροφορικής',
    en: 'undergraduate student of Informatics',
  }),
  demo('gnikolaidis', 'active', ['Γεώργιος Νικολαΐδης', 'Georgios Nikolaidis'], {
    el: 'μέλος ΔΕΠ, Μαθηματικά',
    en: 'faculty, Mathematics',
  }),
  demo('eantoniou', 'active', ['Ελένη Αντωνίου', 'Eleni Antoniou'], {
    el: 'προσωπικό και υποψήφια διδάκτωρ',
    en: 'staff and doctoral candidate',
  }),
  demo('mkonstantinou', 'active', ['Μιχαήλ Κωνσταντίνου', 'Michail Konstantinou'], {
    el: 'εξωτερικός συνεργάτης',
    en: 'affiliate (contractor)',
  }),
  demo('akaragianni', 'active', ['Άννα Καραγιάννη', 'Anna Karagianni'], {
    el: 'φοιτήτρια δύο τμημάτων',
    en: 'student of two departments',
  }),
  demo('jmustermann', 'active', ['Jürgen Mustermann', 'Jürgen Mustermann'], {
    el: 'μεταπτυχιακός φοιτητής από τη Γερμανία, χωρίς ΑΜΚΑ',
    en: "master's student from Germany, without AMKA",
  }),
  demo('lalexiou', 'active', ['Λεωνίδας Αλεξίου', 'Leonidas Alexiou'], {
    el: 'απόφοιτος',
    en: 'graduate, no role any more',
  }),
  demo('kvlachos', 'pending', ['Κωνσταντίνος Βλάχος', 'Konstantinos Vlachos'], {
    el: 'φοιτητής, λογαριασμός πριν την ενεργοποίηση',
    en: 'student, account not activated yet',
  }),
  demo('stheodorou', 'locked', ['Σοφία Θεοδώρου', 'Sofia Theodorou'], {
    el: 'φοιτήτρια, κλειδωμένος λογαριασμός',
    en: 'student, locked account',
  }),
  demo('pgeorgiadis', 'disabled', ['Παύλος Γεωργιάδης', 'Pavlos Georgiadis'], {
    el: 'προσωπικό, απενεργοποιημένος λογαριασμός',
    en: 'staff, disabled account',
  }),
  demo('iioannidou', 'expired', ['Ιωάννα Ιωαννίδου', 'Ioanna Ioannidou'], {
    el: 'συνεργάτιδα, λογαριασμός που έληξε',
    en: 'affiliate, expired account',
  }),
  {
    ...demo('astavropoulou', 'active', ['Αλεξάνδρα Σταυροπούλου', 'Alexandra Stavropoulou'], {
      el: 'υποψήφια διδάκτωρ, όχι ακόμη ως υπάλληλος',
      en: 'doctoral candidate, not yet as an employee',
    }),
    activatedRoles: ['student'],
  },
]

function demo(
  username: string,
  state: AccountStanding,
  [el, en]: [string, string],
  roles: LocalizedText,
): DemoAccount {
  const description = { el: `${el}, ${roles.el}`, en: `${en}, ${roles.en}` }
  return { username, password: demoPassword, state, name: { el, en }, roles, description }
}

/**
 * Brings in the demo's people through the same import as a university's, and sets up the accounts
 * above. Does nothing when that has been done before: whoever tries the demo keeps the passwords
 * and facts they changed. Stopped half way, the next start finishes it.
 */
export async function importDemo(
  context: Pick<AppContext, 'config' | 'secrets' | 'now' | 'log'>,
): Promise<void> {
  const last = demoAccounts.at(-1) as DemoAccount
  if ((await findAccountByUsername(last.username))?.passwordHash !== undefined) return
  const rows = demoRegistryRows().map((row, index) => ({ line: index + 2, row }))
  const report = await importRegistry(rows, {
    secrets: context.secrets,
    scope: context.config.scope,
    now: context.now,
    onRejected: (rejected) => context.log.warn({ rejected }, 'a demo person was not imported'),
  })
  context.log.debug({ report }, 'demo people imported')
  for (const account of demoAccounts) await setUpAccount(account, context.now())
}

async function setUpAccount(account: DemoAccount, now: Date): Promise<void> {
  const changes: Partial<Account> = {
    ...stateFields(account.state, now),
    ...(account.state === 'pending' ? {} : await recoveryContacts(account.username, now)),
    passwordHash: await hashPassword(account.password),
    passwordChangedAt: now,
    ...(account.state === 'pending' ? {} : { academicIdDue: now }),
    ...(account.activatedRoles && { activatedRoles: account.activatedRoles }),
  }
  await accounts().updateOne(
    { username: account.username, passwordHash: { $exists: false } },
    { $set: changes },
  )
}

/** What the person has agreed to leave for recovery: the contacts of the source. */
async function recoveryContacts(username: string, now: Date): Promise<Partial<Account>> {
  const account = await findAccountByUsername(username)
  const person = account && (await findPerson(account._id))
  const role = person?.roles[0]
  return {
    ...(role?.mobile && { mobile: role.mobile, mobileConsentAt: now }),
    ...(role?.email && { email: role.email, emailConsentAt: now }),
  }
}

function stateFields(standing: AccountStanding, now: Date): Partial<Account> {
  switch (standing) {
    case 'pending':
      return { state: 'pending' }
    case 'expired':
      return {
        state: 'active',
        activatedAt: new Date(now.getTime() - 400 * 86_400_000),
        expiresAt: new Date(now.getTime() - 86_400_000),
      }
    case 'active':
      return { state: 'active', activatedAt: now }
    case 'locked':
      return { state: 'locked', activatedAt: now, stateReason: 'demo: reported as stolen' }
    case 'disabled':
      return { state: 'disabled', activatedAt: now, stateReason: 'demo: contract ended' }
  }
}
