import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { SsoSessionModel } from '../../src/sso/sso-session-model.ts'
import { finishLogouts } from '../../src/sso/unfinished-logouts.ts'
import {
  casService,
  failureOf,
  loginPath,
  newBrowser,
  serviceServer,
  signInFrom,
  ticketOf,
  validatePath,
} from '../cas/cas-support.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { type DoomedServers, type Moment, openDoomedServers } from '../support/doomed-server.ts'
import { HttpClient, hiddenField } from '../support/http-client.ts'

/** At each write of a logout in turn the process is killed, before it reaches the store and after it. */
describe('A logout whose server is killed half way', () => {
  let app: TestApp
  let servers: DoomedServers
  let service: Server
  let origin = ''
  const told: string[] = []
  before(async () => {
    app = await startTestApp({ FETCH_LOOPBACK: 'true' })
    // Where the browser's sessions are in Redis, the server that dies has them there too.
    const { REDIS_URL = '' } = process.env
    servers = await openDoomedServers(app, { FETCH_LOOPBACK: 'true', REDIS_URL })
    service = createServer((req, res) => {
      let body = ''
      req.on('data', (chunk) => {
        body += chunk
      })
      req.on('end', () => {
        told.push(body)
        res.end()
      })
    })
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
    await casService({}, { cas_service: `${origin}/app` })
  })
  after(async () => {
    service.closeAllConnections()
    service.close()
    await servers.close()
    await app.close()
  })

  async function dieAt(index: number, moment: Moment) {
    told.length = 0
    const server = await servers.start()
    const there = { ...app, baseUrl: server.baseUrl }
    const { client, account } = await newBrowser(there)
    const url = `${origin}/app/course`
    const first = await signInFrom(client, await client.get(loginPath(url)), account.username)
    const entered = ticketOf(first, url)
    const used = await serviceServer(there).get(validatePath('serviceValidate', url, entered))
    assert.equal(failureOf(used), undefined)
    const unused = ticketOf(await client.get(loginPath(url)), url)
    const _csrf = hiddenField((await client.get('/logout')).body, '_csrf')
    const cookie = client.cookie('sso') ?? ''
    const fatal = await server.dieAt(index, moment, async () => {
      const answer = await client.post('/logout', { _csrf })
      assert.equal(answer.status, 303)
    })
    const ticket = await serviceServer(app).get(validatePath('serviceValidate', url, unused))
    const inTwoMinutes = new Date(Date.now() + 120_000)
    await finishLogouts({ ...app.context, now: () => inTwoMinutes })
    const left = await SsoSessionModel.countDocuments({ personId: account._id })
    // The same browser at a server that lives.
    const sameBrowser = new HttpClient(app.baseUrl)
    sameBrowser.setCookie('sso', cookie)
    const page = await sameBrowser.get('/account')
    sameBrowser.close()
    client.close()
    return {
      fatal,
      isSignedIn: page.status === 200,
      isTicketGood: failureOf(ticket) === undefined,
      isTold: told.some((body) => decodeURIComponent(body).includes(entered)),
      left,
    }
  }

  for (const moment of ['before', 'after'] as const) {
    it(`leaves the sign-in whole, or nothing of it and the service told, killed ${moment} each write in turn`, async () => {
      const outcomes = new Set<boolean>()
      for (let index = 1; ; index++) {
        assert.ok(index < 30, 'the logout never came to its end')
        const { fatal, ...seen } = await dieAt(index, moment)
        const where = `${moment} write ${index} (${fatal?.name} ${fatal?.collection})`
        const isWhole = seen.isSignedIn
        outcomes.add(isWhole)
        assert.deepEqual(
          seen,
          isWhole
            ? { isSignedIn: true, isTicketGood: true, isTold: false, left: 1 }
            : { isSignedIn: false, isTicketGood: false, isTold: true, left: 0 },
          where,
        )
        if (!fatal) break
      }
      if (moment === 'before') assert.deepEqual([...outcomes], [true, false])
    })
  }
})
