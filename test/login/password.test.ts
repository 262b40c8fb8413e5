import assert from 'node:assert/strict'
import { argon2Sync } from 'node:crypto'
import { describe, it } from 'node:test'
import { hashPassword, preparePassword, verifyPassword } from '../../src/login/password.ts'

describe('Passwords (argon2id)', () => {
  it('are kept as a PHC string with at least 19 MiB, salted anew each time', async () => {
    const [one, two] = [await hashPassword('Κωδικός-1'), await hashPassword('Κωδικός-1')]
    assert.match(one, /^\$argon2id\$v=19\$m=(19456|[2-9]\d{4}),t=\d+,p=\d+\$/)
    assert.notEqual(one, two)
    assert.deepEqual(await verifyPassword('Κωδικός-1', one), { ok: true, needsRehash: false })
    assert.deepEqual(await verifyPassword('Κωδικός-2', one), { ok: false, needsRehash: false })
  })

  it('are equal whether the keyboard composes accents or not', async () => {
    const phc = await hashPassword('ΐδιος'.normalize('NFC'))
    assert.equal((await verifyPassword('ΐδιος'.normalize('NFD'), phc)).ok, true)
  })

  it('are equal whichever space the keyboard sends, and never by look alone (RFC 8265 4.2.2)', async () => {
    const phc = await hashPassword('τρία γαϊδούρια')
    assert.equal((await verifyPassword('τρία\u00a0γαϊδούρια', phc)).ok, true)
    assert.equal((await verifyPassword('τρία γαϊδούρια ', phc)).ok, false)
    assert.equal((await verifyPassword('Τρία γαϊδούρια', phc)).ok, false)
    assert.notEqual(preparePassword('①'), preparePassword('1'))
  })

  it('say no without a stored hash', async () => {
    assert.deepEqual(await verifyPassword('', undefined), { ok: false, needsRehash: false })
    assert.deepEqual(await verifyPassword('anything', undefined), { ok: false, needsRehash: false })
  })

  it('do not match by being too long: nothing is cut', async () => {
    const phc = await hashPassword('a'.repeat(1024))
    assert.equal((await verifyPassword('a'.repeat(1024), phc)).ok, true)
    assert.equal((await verifyPassword('a'.repeat(1025), phc)).ok, false)
    assert.equal((await verifyPassword('a'.repeat(1025), await hashPassword(''))).ok, false)
  })

  it('made with older parameters still verify and ask to be renewed', async () => {
    const salt = Buffer.from('0123456789abcdef')
    const tag = argon2Sync('argon2id', {
      message: 'old',
      nonce: salt,
      parallelism: 1,
      tagLength: 32,
      memory: 8192,
      passes: 1,
    })
    const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
    const phc = `$argon2id$v=19$m=8192,t=1,p=1$${base64(salt)}$${base64(tag)}`
    assert.deepEqual(await verifyPassword('old', phc), { ok: true, needsRehash: true })
    assert.deepEqual(await verifyPassword('new', phc), { ok: false, needsRehash: false })
  })
})
