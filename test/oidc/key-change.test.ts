import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import express from 'express'
import { localKey } from '../../src/keys/local-key.ts'
import type { KeyState, SigningKey } from '../../src/keys/signing-key.ts'
import { oidcRoutes } from '../../src/oidc/oidc-routes.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

let app: TestApp
before(async () => {
  app = await startTestApp()
})
after(() => app.close())

function signingKey(kid: string, state: KeyState): SigningKey {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return localKey(
    { kid, state, use: 'oidc', type: 'rsa-2048', createdAt: new Date() },
    pair.privateKey,
  )
}

describe('OIDC: a change of signing keys', () => {
  it('is published without a restart, the active key first', async () => {
    let published = [signingKey('old', 'active'), signingKey('new', 'staged')]
    const listeners: (() => void)[] = []
    const keys = {
      active: () => published[0]!,
      published: () => published,
      decrypting: () => [],
      reload: async () => {},
      onChange: (listener: () => void) => {
        listeners.push(listener)
        return () => {}
      },
    }
    const server = createServer(express().use(oidcRoutes({ ...app.context, keys })))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const kids = async () => {
      const response = await fetch(`http://127.0.0.1:${port}/oidc/jwks`)
      return ((await response.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)
    }
    try {
      assert.deepEqual(await kids(), ['old', 'new'])
      const [old, fresh] = published as [SigningKey, SigningKey]
      published = [
        { ...fresh, state: 'active' },
        { ...old, state: 'retiring' },
      ]
      for (const listener of listeners) listener()
      assert.deepEqual(await kids(), ['new', 'old'])
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  })
})
