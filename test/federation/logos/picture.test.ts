import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readPicture } from '../../../src/federation/logos/picture.ts'
import { png } from './pictures.ts'

const gif = Buffer.from('47494638396140002000800000', 'hex')
const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffffc0001108002000400301', 'hex')
const webp = (kind: string, tail: string) =>
  Buffer.concat([
    Buffer.from('RIFF\0\0\0\0WEBP', 'latin1'),
    Buffer.from(kind, 'latin1'),
    Buffer.from(tail.padEnd(28, '0'), 'hex'),
  ])

describe('A logo', () => {
  it('is a PNG, GIF, JPEG or WebP by its own bytes', () => {
    const of = (type: string) => ({ type, width: 64, height: 32 })
    assert.deepEqual(readPicture(png(64, 32)), of('image/png'))
    assert.deepEqual(readPicture(gif), of('image/gif'))
    assert.deepEqual(readPicture(jpeg), of('image/jpeg'))
    assert.deepEqual(
      readPicture(webp('VP8 ', `${'000000009d012a'.padStart(20, '0')}40002000`)),
      of('image/webp'),
    )
    assert.deepEqual(readPicture(webp('VP8L', '000000002f3fc00700')), of('image/webp'))
    assert.deepEqual(readPicture(webp('VP8X', '0a000000000000003f00001f0000')), of('image/webp'))
  })

  it('is nothing that can hold script, and nothing else', () => {
    for (const text of [
      '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
      '<!doctype html><script>alert(1)</script>',
      '%PDF-1.7',
      'BM',
      'GIF89a',
      '',
      '\x89PNG\r\n\x1a\n<script>',
    ]) {
      assert.equal(readPicture(Buffer.from(text, 'latin1')), undefined, text)
    }
    assert.equal(readPicture(Buffer.alloc(1000)), undefined)
  })

  it('is of a size that a browser can bear', () => {
    assert.ok(readPicture(png(4096, 1)))
    for (const [width, height] of [
      [4097, 1],
      [1, 0xffffffff],
      [0, 1],
    ] as const) {
      assert.equal(readPicture(png(width, height)), undefined)
    }
  })

  it('that is cut off or loops is none', () => {
    for (let length = 0; length < 11; length++) {
      assert.equal(readPicture(jpeg.subarray(0, length)), undefined)
    }
    assert.equal(readPicture(Buffer.from('ffd8ffe00000ffe00000ffe00000ffe00000', 'hex')), undefined)
  })
})
