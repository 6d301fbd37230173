import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import {
  LOGIN,
  PASSWORD,
  type Pop3TestServer,
  sampleMessages,
  startPop3Server,
  withAsciiHeader,
  withCrlf,
} from './pop3-server.ts'

const SAMPLES = sampleMessages()
const MESSAGE = 'Subject: hello\r\n\r\n.one\r\n.\r\n'

let pop: Pop3TestServer
beforeEach(async () => {
  pop = await startPop3Server()
})
afterEach(() => pop.server.stop())

const curl = (...args: string[]) =>
  run('curl', ['--silent', '--show-error', '--cacert', pop.certFile, '--user', `${LOGIN}:${PASSWORD}`, ...args])

describeWith(['curl'], 'curl', () => {
  test('lists and reads mail over TLS with the certificate verified', async () => {
    await pop.deliver([Buffer.from(MESSAGE)])
    const url = `pop3s://localhost:${pop.tlsPort}`
    expect(await curl(`${url}/`)).toMatchObject({ code: 0, stdout: `1 ${MESSAGE.length}\r\n` })
    expect(await curl(`${url}/1`)).toMatchObject({ code: 0, stdout: MESSAGE })
    expect(await curl('--request', 'TOP 1 1', url)).toMatchObject({ code: 0, stdout: 'Subject: hello\r\n\r\n.one\r\n' })
    expect((await curl('--request', 'UIDL', url)).stdout).toMatch(/^1 \d+\.1\r\n$/)
  })

  test('reads mail with STLS, with an initial response and without', async () => {
    await pop.deliver([Buffer.from(MESSAGE)])
    const url = `pop3://localhost:${pop.port}/1`
    for (const options of [[], ['--sasl-ir'], ['--login-options', 'AUTH=PLAIN']]) {
      expect(await curl('--ssl-reqd', ...options, url), options.join(' ')).toMatchObject({ code: 0, stdout: MESSAGE })
    }
  })

  test('is refused without TLS, and with a wrong password', async () => {
    const clear = await curl(`pop3://localhost:${pop.port}/`)
    expect(clear.code).toBe(67)
    const wrong = await run('curl', [
      '--silent',
      '--cacert',
      pop.certFile,
      '--user',
      `${LOGIN}:wrong`,
      `pop3s://localhost:${pop.tlsPort}/`,
    ])
    expect(wrong.code).toBe(67)
  })

  test('removes mail', async () => {
    await pop.deliver([Buffer.from(MESSAGE), Buffer.from(MESSAGE)])
    const removed = await curl('--head', '--request', 'DELE 1', `pop3s://localhost:${pop.tlsPort}/`)
    expect(removed.code).toBe(0)
    expect(await pop.count()).toBe(1)
  })

  // Sources that have bare LFs, or no last line end, come out with CRLF: RFC 1939 has no other line.
  test.skipIf(SAMPLES.length === 0)('gets every sample message byte for byte, and its exact size', async () => {
    await pop.deliver(SAMPLES.map(({ bytes }) => bytes))
    const url = `pop3s://localhost:${pop.tlsPort}`
    const listed = (await curl(`${url}/`)).stdout.split('\r\n').slice(0, -1)
    expect(listed).toEqual(SAMPLES.map(({ bytes }, at) => `${at + 1} ${withCrlf(bytes).length}`))
    const out = pop.directory('curl')
    const read = await curl('--output', join(out, '#1.eml'), `${url}/[1-${SAMPLES.length}]`)
    expect(read.code).toBe(0)
    for (const [at, { name, bytes }] of SAMPLES.entries()) {
      expect(readFileSync(join(out, `${at + 1}.eml`)).equals(withCrlf(withAsciiHeader(bytes))), name).toBe(true)
    }
  })
})
