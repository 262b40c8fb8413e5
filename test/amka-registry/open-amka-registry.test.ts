import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  describeRegistry,
  findRegistryWarnings,
  openAmkaRegistry,
} from '../../src/amka-registry/open-amka-registry.ts'
import { readConfig } from '../../src/config.ts'
import { fixedSecrets } from '../people/support.ts'

const production = {
  NODE_ENV: 'production',
  BASE_URL: 'https://sso.uni.example.gr',
  SCOPE: 'uni.example.gr',
  INSTITUTION_FILE: '/etc/propylaia/institution.json',
}
const url = 'https://registry.example.gr/api/'
const token = 'synthetic'

/** What a start with these settings opens, says and warns of. */
function start(environment: Record<string, string>) {
  const config = readConfig(environment)
  const registry = openAmkaRegistry({ config, secrets: fixedSecrets(), log: undefined as never })
  return {
    name: registry.name,
    line: describeRegistry(config),
    warnings: findRegistryWarnings(config).join('\n'),
  }
}

describe('which AMKA registry answers', () => {
  it('is the one that AMKA_REGISTRY_URL names, else the embedded one, and the start says so', () => {
    assert.deepEqual(start({}), {
      name: 'embedded',
      line: 'embedded: answers from the imported records',
      warnings: '',
    })
    const national = { ...production, AMKA_REGISTRY_URL: url, AMKA_REGISTRY_TOKEN: token }
    assert.deepEqual(start(national), {
      name: 'national',
      line: 'registry.example.gr',
      warnings: '',
    })
  })

  it('is warned of when it is the embedded one in production', () => {
    assert.match(start(production).warnings, /^AMKA_REGISTRY_URL is not set/)
  })

  it('is warned of without a token, and without https in production', () => {
    const settings = { AMKA_REGISTRY_URL: 'http://127.0.0.1:9' }
    assert.match(start(settings).warnings, /^AMKA_REGISTRY_TOKEN is not set.*$/)
    const clear = { ...production, ...settings, AMKA_REGISTRY_TOKEN: token }
    assert.match(start(clear).warnings, /^AMKA_REGISTRY_URL is not https/)
  })
})
