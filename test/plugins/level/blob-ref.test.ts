import type { BlobRef } from 'mailserver'
import { expect, it } from 'vitest'
import { type BlobPlace, formatBlobRef, parseBlobRef } from '../../../plugins/level/blobs/blob-ref.ts'

it('reads back every place it names', () => {
  const places: readonly BlobPlace[] = [
    { kind: 'whole', segment: 1, offset: 0, size: 0, stored: 0 },
    { kind: 'whole', segment: 71, offset: 5_616, size: 2_024, stored: 0 },
    { kind: 'manifest', segment: 36 ** 7 - 1, offset: Number.MAX_SAFE_INTEGER, size: 1, stored: 35 },
    { kind: 'whole', segment: 36, offset: 36 ** 10, size: 36, stored: 36 ** 10 },
  ]
  for (const place of places) expect(parseBlobRef(formatBlobRef(place))).toEqual(place)
})

it('takes nothing else for a reference', () => {
  const texts = [
    '',
    'b',
    'b1',
    'b1.2',
    'x1.2.3',
    '1.2.3',
    'b.2.3',
    'b1..3',
    'b1.2.',
    'b1.2.3.',
    'b1.2.3.4.5',
    'b1.2.3.4.',
  ]
  const odd = [
    'b1.2.3 ',
    ' b1.2.3',
    'B1.2.3',
    'b1.2.A',
    'b1.-2.3',
    'b12345678.2.3',
    'b1.123456789012.3',
    'b1.2.3.ü',
    'b1.2.3\n',
  ]
  for (const text of [...texts, ...odd]) {
    expect(() => parseBlobRef(text as BlobRef), JSON.stringify(text)).toThrow('names no blob of this store')
  }
})
