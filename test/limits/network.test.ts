import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { networkOf } from '../../src/limits/network.ts'

describe('What counts as one address', () => {
  it('takes all addresses of an IPv6 /64 for one, however they are written', () => {
    const spellings = [
      '2001:db8:0:7::1',
      '2001:db8:0:7:ffff:ffff:ffff:ffff',
      '2001:DB8::7:0:0:0:9',
      '2001:0db8:0000:0007:0000:0000:0000:0001',
      '2001:db8:0:7:1::',
    ]
    assert.deepEqual(new Set(spellings.map(networkOf)), new Set(['2001:db8:0:7']))
  })

  it('keeps neighbouring networks apart', () => {
    assert.notEqual(networkOf('2001:db8:0:7::1'), networkOf('2001:db8:0:8::1'))
    assert.equal(networkOf('fe80::1%eth0'), networkOf('fe80::2%eth0'))
    assert.equal(networkOf('::1'), '0:0:0:0')
  })

  it('takes IPv4 addresses one by one, mapped ones too', () => {
    for (const address of ['192.0.2.1', '::ffff:192.0.2.1', 'unknown'])
      assert.equal(networkOf(address), address)
    assert.notEqual(networkOf('::ffff:192.0.2.1'), networkOf('::ffff:192.0.2.2'))
  })
})
