import { memoryBlobStore } from 'mailserver/testing'
import { describe, expect, it } from 'vitest'
import { Coalescer } from '../../src/intake/coalesce.ts'
import { HeaderCollector } from '../../src/intake/header-collector.ts'
import { HoldBudget } from '../../src/intake/hold-budget.ts'
import { MessageSpool } from '../../src/intake/message-spool.ts'
import type { BlobStore } from '../../src/store/blob-store.ts'

const ABOVE = { returnPath: Buffer.from('Return-Path: <>\r\n'), received: Buffer.from('Received: by x\r\n') }

function world(budgetBytes: number, holdBytes = 100) {
  const memory = memoryBlobStore()
  let writes = 0
  const blobs: BlobStore = {
    ...memory,
    write: (bytes) => {
      writes++
      return memory.write(bytes)
    },
    writer: () => {
      writes++
      return memory.writer()
    },
  }
  const budget = new HoldBudget(budgetBytes)
  const spool = () => new MessageSpool({ blobs, budget, holdBytes, above: ABOVE })
  return { memory, budget, spool, writes: () => writes }
}

describe('MessageSpool', () => {
  it.each([
    [50, '', 1],
    [50, 'X: y\r\n', 1],
    [500, '', 1],
    [500, 'X: y\r\n', 2],
  ])('writes %i octets with %j above them %i times', async (bytes, stamped, times) => {
    const { memory, budget, spool, writes } = world(1_000)
    const one = spool()
    for (let at = 0; at < bytes; at += 10) await one.write(Buffer.alloc(10, 'x'))
    await one.finish()
    const blob = await one.store(Buffer.from(stamped))
    await one.discard()
    expect((await memory.read(blob)).toString()).toBe(
      `Return-Path: <>\r\n${stamped}Received: by x\r\n${'x'.repeat(bytes)}`,
    )
    expect([writes(), memory.count, budget.used]).toEqual([times, 1, 0])
  })

  it('writes nothing of a small message that is given up', async () => {
    const { budget, spool, writes } = world(1_000)
    const one = spool()
    await one.write(Buffer.alloc(50))
    expect(budget.used).toBe(50)
    await one.discard()
    await one.discard()
    expect([writes(), budget.used]).toEqual([0, 0])
  })

  it('goes to the store early when all sessions together hold too much', async () => {
    const { memory, budget, spool } = world(100)
    const first = spool()
    const second = spool()
    await first.write(Buffer.alloc(80, 'a'))
    await second.write(Buffer.alloc(40, 'b'))
    expect(budget.used).toBe(80)
    await second.write(Buffer.alloc(40, 'c'))
    await second.finish()
    const chunks: Buffer[] = []
    for await (const chunk of second.open()) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks).toString()).toBe('b'.repeat(40) + 'c'.repeat(40))
    await first.discard()
    await second.discard()
    expect([memory.count, budget.used]).toEqual([0, 0])
  })
})

describe('HeaderCollector', () => {
  const collect = (chunks: readonly string[], max = 1_000) => {
    const collector = new HeaderCollector(max)
    let rest = ''
    let header: string | undefined
    for (const chunk of chunks) {
      if (header !== undefined) {
        rest += chunk
        continue
      }
      const found = collector.push(Buffer.from(chunk))
      if (found === 'too-large') return found
      if (found === 'more') continue
      header = found.header.toString()
      rest = found.rest.toString()
    }
    return { header: header ?? collector.all().toString(), rest }
  }

  it.each([
    ['A: b\r\n\r\nbody', 'A: b\r\n\r\n', 'body'],
    ['A: b\r\nC: d\r\n\r\n', 'A: b\r\nC: d\r\n\r\n', ''],
    ['\r\nbody\r\n\r\nmore', '\r\n', 'body\r\n\r\nmore'],
    ['A: b', 'A: b', ''],
    ['', '', ''],
    ['A: b\r\n\r\n\r\n\r\n', 'A: b\r\n\r\n', '\r\n\r\n'],
  ])('finds the end of %j, however it is cut', (text, header, rest) => {
    for (let cut = 0; cut <= text.length; cut++) {
      expect(collect([text.slice(0, cut), text.slice(cut)])).toEqual({ header, rest })
    }
    expect(collect([...text])).toEqual({ header, rest })
  })

  it('stops at its bound', () => {
    expect(collect(['A: b\r\n'.repeat(10)], 50)).toBe('too-large')
    expect(collect([...'A: b\r\n'.repeat(10)], 50)).toBe('too-large')
    expect(collect([`${'A: b\r\n'.repeat(10)}\r\n`], 50)).toBe('too-large')
  })
})

describe('Coalescer', () => {
  it('gathers small chunks, passes large ones on, and loses no octet', () => {
    const octets = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 31) % 251))
    const sizes = [1, 1, 3000, 5, 2047, 2048, 1, 16_000, 1000, 1000]
    const small = new Coalescer()
    const chunks: Buffer[] = []
    for (let at = 0, turn = 0; at < octets.length; turn++) {
      const size = turn > 50 ? 1 : (sizes[turn % sizes.length] as number)
      chunks.push(...small.push(octets.subarray(at, at + size)))
      at += size
    }
    chunks.push(...small.end())
    expect(Buffer.concat(chunks).equals(octets)).toBe(true)
    expect(chunks.length).toBeLessThan(100)
  })
})
