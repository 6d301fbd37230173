import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { type LineEvent, LineReader, type LineReaderOptions } from '../../src/net/line-reader.ts'
import { manualClock } from './manual-clock.ts'

const FOREVER = 1_000_000

function open(options: Partial<LineReaderOptions> = {}) {
  const clock = manualClock()
  const source = new PassThrough({ highWaterMark: 1024 })
  const reader = new LineReader(source, { maxLineBytes: 20, clock, ...options })
  return { clock, source, reader, next: async () => said(await reader.read(FOREVER)) }
}

const said = (event: LineEvent) => (event.kind === 'line' ? `line ${event.line.toString('latin1')}` : event.kind)

describe('LineReader', () => {
  test('gives one line after another, whatever chunks they come in', async () => {
    const { source, next } = open()
    for (const octet of 'one\r\ntwo\r\n') source.write(octet)
    source.write('three\r\nfour\r')
    expect(await next()).toBe('line one')
    expect(await next()).toBe('line two')
    expect(await next()).toBe('line three')
    source.write('\n\r\n')
    expect(await next()).toBe('line four')
    expect(await next()).toBe('line ')
  })

  test('keeps a CR that is no line end, and NUL and 8-bit octets', async () => {
    const { source, next } = open()
    source.write(Buffer.from('a\rb\0\xff\r\n', 'latin1'))
    expect(await next()).toBe('line a\rb\0\xff')
  })

  test('takes a bare LF for a line end, or refuses it', async () => {
    const lenient = open()
    lenient.source.write('one\ntwo\n')
    expect([await lenient.next(), await lenient.next()]).toEqual(['line one', 'line two'])
    const strict = open({ bareLf: 'refuse' })
    strict.source.write('one\ntwo\r\n')
    expect([await strict.next(), await strict.next()]).toEqual(['bare-lf', 'line two'])
  })

  test('takes a line as long as the limit, throws away one that is longer, and goes on behind it', async () => {
    const { source, next } = open()
    source.write(`${'a'.repeat(20)}\r\n${'b'.repeat(21)}\r\nc\r\n`)
    expect(await next()).toBe(`line ${'a'.repeat(20)}`)
    expect(await next()).toBe('too-long')
    expect(await next()).toBe('line c')
  })

  test.each([1, 7, 21, 22, 23, 1024])('finds the end of an over-long line that comes in pieces of %i', async (size) => {
    const { source, next } = open()
    const bytes = Buffer.from(`${'x'.repeat(5000)}\r\nnext\r\n`)
    const first = next()
    for (let at = 0; at < bytes.length; at += size) {
      if (!source.write(bytes.subarray(at, at + size))) await new Promise((resolve) => source.once('drain', resolve))
    }
    expect(await first).toBe('too-long')
    expect(await next()).toBe('line next')
  })

  test('gives up on a line without an end', async () => {
    const { source, next } = open({ maxDiscardBytes: 10_000 })
    const event = next()
    for (let at = 0; at < 12; at++) source.write(Buffer.alloc(1000, 'x'))
    expect(await event).toBe('flood')
  })

  test('lets a peer that sends without end wait', async () => {
    const { source, reader } = open()
    let written = 0
    while (source.write(Buffer.alloc(1024, 'a\r\n')) && written < 1024 * 1024) {
      written += 1024
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(written).toBeLessThan(64 * 1024)
    expect(reader.hasLine).toBe(true)
    // It was put off, not lost.
    for (let at = 0; at < 341; at++) expect(said(await reader.read(FOREVER))).toBe('line a')
  })

  test('times the whole line, not each octet', async () => {
    const { source, reader, clock } = open()
    const event = reader.read(1000)
    for (let at = 0; at < 4; at++) {
      source.write('x')
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(249)
    }
    clock.advance(4)
    expect(said(await event)).toBe('timeout')
    expect(clock.pending).toBe(0)
  })

  test('gives the lines that came before the end, then the end, and drops half a line', async () => {
    const { source, next } = open()
    source.end('one\r\ntwo\r\nhal')
    expect(await next()).toBe('line one')
    expect(await next()).toBe('line two')
    expect(await next()).toBe('end')
    expect(await next()).toBe('end')
  })

  test('ends when the connection is reset, with no error of the process', async () => {
    const { source, next } = open()
    const event = next()
    source.destroy(new Error('ECONNRESET'))
    expect(await event).toBe('end')
  })

  test('can be interrupted, before it waits and while it does, and loses nothing', async () => {
    const { source, reader, next } = open()
    const waiting = next()
    reader.interrupt()
    expect(await waiting).toBe('interrupted')
    source.write('one\r\n')
    reader.interrupt()
    expect(await next()).toBe('interrupted')
    expect(await next()).toBe('line one')
  })

  test('throws away what was sent behind STARTTLS (CVE-2011-0411)', async () => {
    const { source, reader, next } = open()
    source.write('STLS\r\nUSER mallory\r\n')
    expect(await next()).toBe('line STLS')
    expect(reader.hasLine).toBe(true)
    expect(reader.detach()).toBe('USER mallory\r\n'.length)
    expect(await next()).toBe('end')
    const after = new LineReader(source, { maxLineBytes: 20, clock: manualClock() })
    source.write('CAPA\r\n')
    expect(said(await after.read(FOREVER))).toBe('line CAPA')
  })
})
