import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import express from 'express'
import type { TestApp } from '../support/app.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'

/**
 * What takes posts without our form's secret, because software or other sites post there: protocol
 * endpoints, and the API of registrations, whose limits and mails do not rest on a browser.
 */
const openToOthers = new Set([
  '/cas/login',
  '/cas/logout',
  '/cas/samlValidate',
  '/federation/register',
  '/federation/register/cas',
  '/federation/register/request',
  '/federation/sandbox/cas/:name/login',
  '/federation/sandbox/cas/:name/samlValidate',
  '/oauth2/authorize',
  '/oidc/auth',
  '/oidc/end_session',
  '/saml/slo',
  '/saml/slo/soap',
  '/saml/sso',
])
/** Of a question that only a sealed flow leads to; without one it is refused before. */
const needsFlow = new Set(['/consent'])

const posts = new Set<string>()

describe('Every form of ours', () => {
  let app: TestApp
  before(async () => {
    // Whatever route is added later is found here too.
    const router = express.Router.prototype as { post: (...about: unknown[]) => unknown }
    const { post } = router
    router.post = function (this: unknown, path: unknown, ...handlers: unknown[]) {
      for (const one of [path].flat()) posts.add(String(one))
      return post.call(this, path, ...handlers)
    }
    const { startTestApp } = await import('../support/app.ts')
    app = await startTestApp({ DEV_PAGES: 'true' })
  })
  after(() => app.close())

  /** A browser of an administrator: nothing is refused for want of a right. */
  async function administrator(): Promise<HttpClient> {
    const { addPerson, testPassword } = await import('../support/people.ts')
    const { grantAdminRight } = await import('../../src/people/admin-right.ts')
    const { account } = await addPerson()
    await grantAdminRight(account._id, 'test', new Date())
    const client = new HttpClient(app.baseUrl)
    const page = await client.get('/login')
    const _csrf = hiddenField(page.body, '_csrf')
    const { username } = account
    const answer = await client.post('/login', { _csrf, username, password: testPassword })
    assert.equal(answer.status, 303)
    return client
  }

  it('does nothing without its secret, nor with that of another browser', async () => {
    const [browser, other] = [await administrator(), await administrator()]
    const stolen = hiddenField((await other.get('/account')).body, '_csrf')
    const forms = [...posts].filter((path) => !openToOthers.has(path) && !needsFlow.has(path))
    assert.ok(forms.length > 35 && forms.includes('/account/password'), forms.join(' '))
    const tries: Record<string, string>[] = [{}, { _csrf: '' }, { _csrf: stolen }]
    for (const path of forms) {
      const url = path.replace(/:\w+/g, 'some')
      for (const fields of tries) {
        const answer = await browser.post(url, fields)
        assert.equal(answer.status, 403, `${path} ${JSON.stringify(fields)}`)
        assert.match(answer.body, /CSRF_INVALID/, path)
      }
    }
    assert.equal((await browser.get('/account')).status, 200)
  })

  it('is not missed here: what is open to others is what this list says', () => {
    for (const path of [...openToOthers, ...needsFlow]) {
      const known = [...posts].map((one) => one.replace(/:\w+/g, ':name'))
      assert.ok(known.includes(path), `${path} takes no posts any more: take it off the list`)
    }
  })
})
