import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Browser } from '../interop/support/browser.ts'
import { student } from '../interop/support/demo-people.ts'
import {
  type RunningIdentityProvider,
  startIdentityProvider,
} from '../interop/support/identity-provider.ts'
import { keysLater } from '../interop/support/later.ts'

const day = 86_400_000

describe('A rotation of both keys under the demo services', () => {
  let identityProvider: RunningIdentityProvider
  let samlService = ''
  let oidcService = ''
  before(async () => {
    identityProvider = await startIdentityProvider({ OIDC_KEY_ROTATION_DAYS: '0' })
    const { hostname, port } = new URL(identityProvider.baseUrl)
    samlService = `http://${hostname}:${Number(port) + 1}`
    oidcService = `http://${hostname}:${Number(port) + 2}`
    // Nothing to read on the way.
    const { id } = (await registered('client'))[0] as { id: string }
    await identityProvider.cli(
      'sp',
      'override',
      `${samlService}/metadata`,
      '--disclosure',
      'silent',
    )
    await identityProvider.cli('client', 'override', id, '--disclosure', 'silent')
  })
  after(() => identityProvider?.stop())

  async function registered(command: string): Promise<{ id: string }[]> {
    const rows = JSON.parse(await identityProvider.cli(command, 'list', '--json'))
    return rows.map((row: { clientId?: string; entityId?: string }) => ({
      id: row.clientId ?? row.entityId,
    }))
  }

  async function signIns(): Promise<void> {
    for (const service of [samlService, oidcService]) {
      const page = await new Browser().open(`${service}/login`, student)
      assert.equal(page.url, `${service}/`, page.text.slice(0, 3000))
      assert.match(page.text, /Παπαδοπούλου|Papadopoulou/)
    }
  }

  async function stage(use: string): Promise<string> {
    await identityProvider.cli('keys', 'stage', '--use', use)
    const keys: { kid: string; use: string; state: string }[] = JSON.parse(
      await identityProvider.cli('keys', 'list', '--json'),
    )
    return keys.find((key) => key.use === use && key.state === 'staged')!.kid
  }

  async function stateOf(kid: string): Promise<string[]> {
    const { out } = await keysLater(identityProvider, 0, 'rehearse', kid, '--json')
    return JSON.parse(out).services.map(({ state }: { state: string }) => state)
  }

  it('is rehearsed without claiming more than is seen, and locks out neither', async () => {
    await signIns()
    const saml = await stage('saml')
    const oidc = await stage('oidc')
    assert.deepEqual(await stateOf(saml), ['waits'])
    await signIns()
    // The SAML service reads metadata at every sign-in. The other one takes ID tokens from the token
    // endpoint on the strength of the connection and reads no JWKS: that is not known to be safe.
    assert.deepEqual(await stateOf(saml), ['ready'])
    assert.deepEqual(await stateOf(oidc), ['unknown'])
    for (const kid of [saml, oidc]) {
      const { code, err } = await keysLater(identityProvider, 16 * day, 'promote', kid)
      assert.equal(code, 0, err)
    }
    await signIns()
  })
})
