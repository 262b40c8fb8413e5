import { femaleNames, maleNames, surnames } from '../../demo/names.ts'
import { seededRandom } from '../../demo/random.ts'
import type { PasswordOwner } from '../../src/passwords/password-rules.ts'
import { transliterate } from '../../src/people/elot743.ts'

/** Synthetic people with everything on record, the same for the same TEST_SEED. */
export function randomOwners() {
  const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  const random = seededRandom(seed)
  const whole = (below: number) => Math.floor(random() * below)
  const from = <T>(list: readonly T[]) => list[whole(list.length)] as T
  const digits = (count: number) => Array.from({ length: count }, () => whole(10)).join('')
  const two = (number: number) => String(number).padStart(2, '0')

  function randomOwner(): PasswordOwner & { birthDate: string } {
    const isFemale = random() < 0.5
    const first = from(isFemale ? femaleNames : maleNames)
    const last = from(surnames)[isFemale ? 1 : 0]
    const names = [first, last, from(maleNames)]
    return {
      username: `${transliterate(first)[0]}${transliterate(last)}`.toLowerCase(),
      names: [...names, ...names.map(transliterate)],
      numbers: [digits(11), digits(9), digits(8)],
      phones: [`+3069${digits(8)}`],
      emails: [`${transliterate(first).toLowerCase()}.${digits(2)}@mail.example`],
      birthDate: `${1960 + whole(48)}-${two(1 + whole(12))}-${two(1 + whole(28))}`,
    }
  }
  return { seed, whole, from, randomOwner }
}
