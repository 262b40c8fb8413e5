import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkPersonalEmail } from '../../src/people/email.ts'

const check = (text: string) => checkPersonalEmail(text, 'uni.example.gr')

describe('personal mail addresses', () => {
  it('come to lower case without spaces around them', () => {
    assert.equal(check(' Dimitra.P+uni@Mail.Example.ORG ').value, 'dimitra.p+uni@mail.example.org')
  })

  it('are refused when they are none, two, or too long', () => {
    for (const text of [
      '',
      'dimitra',
      'dimitra@',
      '@example.org',
      'a@b',
      'a@example.org, b@example.org',
      'a b@example.org',
      'Dimitra <a@example.org>',
      'a@exa_mple.org',
      'a@example.org\r\nbcc:b@example.org',
      `${'a'.repeat(65)}@example.org`,
      `a@${'b.'.repeat(130)}org`,
    ]) {
      assert.equal(check(text).reason, 'EMAIL_INVALID', text)
    }
  })

  it("are refused under the institution's domain, which opens only after the activation", () => {
    assert.equal(check('dp@UNI.example.gr').reason, 'EMAIL_INSTITUTIONAL')
    assert.equal(check('dp@mail.uni.example.gr').reason, 'EMAIL_INSTITUTIONAL')
    assert.equal(check('dp@notuni.example.gr').value, 'dp@notuni.example.gr')
  })

  it('are checked at once however hostile the text is', () => {
    const startedAt = performance.now()
    check(`a@${'a'.repeat(1_000_000)}`)
    check(`a@${'a-'.repeat(120)}!`)
    assert.ok(performance.now() - startedAt < 200)
  })
})
