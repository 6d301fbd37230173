import { describe, expect, it } from 'vitest'
import { MessageSource } from '../../../../plugins/smtp/wire/message-source.ts'

const KIB = Buffer.alloc(1024, 'x')

describe('MessageSource', () => {
  it('gives what was pushed, in order, before and after it is waited for', async () => {
    const source = new MessageSource()
    source.push(Buffer.from('a'))
    source.push(Buffer.from('b'))
    const read = (async () => {
      let text = ''
      for await (const chunk of source) text += chunk.toString()
      return text
    })()
    await Promise.resolve()
    source.push(Buffer.from('c'))
    source.end()
    source.push(Buffer.from('d'))
    expect(await read).toBe('abc')
  })

  it('asks the peer to wait at 64 KiB, and tells when all of it was read', async () => {
    const source = new MessageSource()
    let hasRoom = true
    let pushed = 0
    for (; hasRoom; pushed++) hasRoom = source.push(KIB)
    expect(pushed).toBe(64)
    let told = 0
    source.whenRoom(() => told++)
    for (let read = 0; read < 64; read++) {
      expect(told).toBe(0)
      await source.next()
    }
    expect(told).toBe(1)
  })

  it('throws what it ended with, whether somebody waits or not', async () => {
    const waited = new MessageSource()
    const next = waited.next()
    waited.end(new Error('gone'))
    await expect(next).rejects.toThrow('gone')
    const later = new MessageSource()
    later.push(KIB)
    later.end(new Error('gone'))
    await expect(later.next()).rejects.toThrow('gone')
    expect(later.fault?.message).toBe('gone')
  })

  it('holds nothing back for a reader that has given up', async () => {
    const source = new MessageSource()
    while (source.push(KIB));
    let told = 0
    source.whenRoom(() => told++)
    await source.return()
    expect(told).toBe(1)
    for (let at = 0; at < 1000; at++) expect(source.push(KIB)).toBe(true)
    expect(await source.next()).toEqual({ value: undefined, done: true })
  })
})
