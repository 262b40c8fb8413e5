import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLoopbackAddress, isPublicAddress } from '../../src/fetch/public-address.ts'

describe('Addresses of the public net', () => {
  const refused = {
    'this machine': ['127.0.0.1', '127.255.255.254', '0.0.0.0', '::1', '::'],
    'private networks': [
      '10.0.0.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      'fd00::1',
      'fc00::1',
    ],
    'link-local, the metadata service of clouds among them': ['169.254.169.254', 'fe80::1'],
    multicast: ['224.0.0.1', '239.255.255.250', 'ff02::1'],
    'carriers’ NAT and benchmarks': ['100.64.0.1', '198.18.0.1'],
    'reserved, broadcast, documentation': [
      '240.0.0.1',
      '255.255.255.255',
      '192.0.2.1',
      '2001:db8::1',
    ],
    'IPv4 inside IPv6': [
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '2001:0:7f00:1::',
    ],
    'what is no address': ['', 'localhost', '127.1', '0x7f000001', '2130706433', '1.2.3.4.5'],
  }
  for (const [what, addresses] of Object.entries(refused)) {
    it(`are not ${what}`, () => {
      for (const address of addresses) assert.equal(isPublicAddress(address), false, address)
    })
  }

  it('are all others', () => {
    for (const address of [
      '1.1.1.1',
      '172.15.0.1',
      '172.32.0.1',
      '193.92.1.1',
      '2001:648:2000::1',
    ]) {
      assert.equal(isPublicAddress(address), true, address)
    }
  })

  it('loopback is the range of IPv4 and the one address of IPv6', () => {
    for (const address of ['127.0.0.1', '127.9.9.9', '::1']) assert.ok(isLoopbackAddress(address))
    for (const address of ['0.0.0.0', '::', '10.0.0.1', 'localhost', '128.0.0.1']) {
      assert.ok(!isLoopbackAddress(address), address)
    }
  })
})
