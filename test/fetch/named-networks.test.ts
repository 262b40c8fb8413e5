import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readConfig } from '../../src/config.ts'
import { isInNetworks, readNetworks } from '../../src/fetch/named-networks.ts'

describe('Networks that an administrator names', () => {
  it('are addresses and subnets, of IPv4 and IPv6', () => {
    const networks = readNetworks('10.20.0.0/16, 192.168.7.9,fd00:1::/32')
    for (const inside of ['10.20.255.1', '192.168.7.9', 'fd00:1::9']) {
      assert.equal(isInNetworks(networks, inside), true, inside)
    }
    for (const outside of ['10.21.0.1', '192.168.7.8', 'fd00:2::1', '127.0.0.1', 'x']) {
      assert.equal(isInNetworks(networks, outside), false, outside)
    }
  })

  it('are none when nothing is set', () => {
    assert.equal(readConfig({}).logoutNetworks, undefined)
    assert.equal(isInNetworks(undefined, '10.0.0.1'), false)
  })

  it('stop the start where they are no subnets, or far too large', () => {
    for (const wrong of [
      'intranet',
      '10.0.0.0/33',
      '10.0.0.0/',
      '0.0.0.0/0',
      '::/0',
      '10.0.0.1,',
    ]) {
      assert.throws(
        () => readConfig({ LOGOUT_PRIVATE_NETWORKS: wrong }),
        /LOGOUT_PRIVATE_NETWORKS: must be addresses or subnets/,
        wrong,
      )
    }
  })

  it('never hold loopback, link-local or multicast: the metadata service of clouds is there', () => {
    const wrong = ['127.0.0.1', '169.254.169.254', '169.0.0.0/8', '0.0.0.0/8', '224.0.0.1', '::1']
    for (const one of [...wrong, 'fe80::/16', '::ffff:127.0.0.1', '::ffff:169.254.169.254']) {
      assert.throws(() => readNetworks(one), /must not hold addresses of loopback/, one)
    }
  })
})
