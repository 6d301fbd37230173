import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/errors/config-error.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { dnsResolver } from '../../src/net/dns-resolver.ts'

const TIMEOUT_MS = 900

let server: Socket
let answer: (query: Buffer) => Buffer | undefined
let asked: number
beforeEach(async () => {
  asked = 0
  answer = () => undefined
  server = createSocket('udp4', (query, { port, address }) => {
    asked += 1
    const reply = answer(query)
    if (reply !== undefined) server.send(reply, port, address)
  }).bind(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => void server.close())

const dns = () => {
  const servers = [`127.0.0.1:${server.address().port}`]
  return dnsResolver({ servers, timeoutMs: TIMEOUT_MS }, systemClock)
}

/** The query as an answer with this code and these records (RFC 1035 section 4.1). */
function reply(query: Buffer, code: number, ...records: Buffer[]): Buffer {
  const end = query.indexOf(0, 12) + 5
  const head = Buffer.from(query.subarray(0, end))
  head.writeUInt16BE(0x8180 | code, 2)
  head.writeUInt16BE(records.length, 6)
  head.writeUInt16BE(0, 10)
  return Buffer.concat([head, ...records])
}

function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

describe('DNS', () => {
  test('asks the configured server', async () => {
    answer = (query) => reply(query, 0, record(1, Buffer.from([192, 0, 2, 7])))
    expect(await dns().resolve4('mx.example.test')).toEqual(['192.0.2.7'])
    answer = (query) => reply(query, 0, record(15, Buffer.from('\0\x0a\x02mx\0', 'latin1')))
    expect(await dns().resolveMx('example.test')).toMatchObject([{ exchange: 'mx', priority: 10 }])
    answer = (query) => reply(query, 0, record(16, Buffer.from('\x02v=\x03spf', 'latin1')))
    expect(await dns().resolveTxt('example.test')).toEqual([['v=', 'spf']])
    answer = (query) => reply(query, 0, record(28, Buffer.from('20010db8000000000000000000000001', 'hex')))
    expect(await dns().resolve6('example.test')).toEqual(['2001:db8::1'])
    answer = (query) => reply(query, 0, record(12, Buffer.from('\x02mx\0', 'latin1')))
    expect(await dns().reverse('192.0.2.7')).toEqual(['mx'])
  })

  test.each([
    [3, 'ENOTFOUND'],
    [2, 'ESERVFAIL'],
    [0, 'ENODATA'],
  ])('tells answer code %i as %s', async (code, name) => {
    answer = (query) => reply(query, code)
    await expect(dns().resolveMx('example.test')).rejects.toMatchObject({ code: name })
  })

  test('gives up on a server that says nothing, after two tries and in time', async () => {
    const since = performance.now()
    await expect(dns().resolve4('mx.example.test')).rejects.toMatchObject({ code: 'ETIMEOUT' })
    expect(performance.now() - since).toBeLessThan(TIMEOUT_MS * 1.5)
    expect(asked).toBe(2)
  })

  test('tells noise from an answer', async () => {
    answer = () => Buffer.from('noise')
    await expect(dns().resolve4('mx.example.test')).rejects.toMatchObject({ code: 'EBADRESP' })
  })

  test('rejects what is no address', async () => {
    await expect(dns().reverse('mx.example.test')).rejects.toMatchObject({ code: 'EINVAL' })
  })

  test('names a server in the config that is none', () => {
    expect(() => dnsResolver({ servers: ['ns.example.test'], timeoutMs: 1 }, systemClock)).toThrow(ConfigError)
    expect(() => dnsResolver({ servers: ['ns.example.test'], timeoutMs: 1 }, systemClock)).toThrow(/dns\.servers/)
  })
})
