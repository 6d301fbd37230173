import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { LOGIN, PASSWORD, type Pop3TestServer, startPop3Server } from './pop3-server.ts'

/** fetchmail's exit code when there was nothing to fetch. */
const NO_MAIL = 1

const message = (n: number) => `From: bob@example.test\r\nSubject: number ${n}\r\n\r\n.line ${n}\r\n.\r\nend ${n}\r\n`

let pop: Pop3TestServer
beforeEach(async () => {
  pop = await startPop3Server()
})
afterEach(() => pop.server.stop())

/** Runs fetchmail once. @returns its exit code, what it printed, and all it has ever handed on, with LF line ends */
async function fetchmail(connection: string, ...options: string[]) {
  const home = pop.directory('fetchmail')
  const inbox = join(home, 'inbox')
  const config = join(home, 'fetchmailrc')
  const trust = `sslcertck sslcertfile "${pop.certFile}"`
  writeFileSync(
    config,
    `poll localhost proto pop3 ${connection}: user "${LOGIN}" password "${PASSWORD}" ${trust} no rewrite ` +
      `mda "sh -c 'cat >> ${inbox}'" ${options.join(' ')}\n`,
    { mode: 0o600 },
  )
  const args = ['--fetchmailrc', config, '--nodetach', '--nosyslog', '--verbose', '--pidfile', join(home, 'pid')]
  const ran = await run('fetchmail', args, { env: { HOME: home, FETCHMAILHOME: home, USER: 'test' } })
  let received = ''
  try {
    received = readFileSync(inbox, 'utf8').replaceAll('\r', '')
  } catch {
    // It has handed on nothing yet.
  }
  return { code: ran.code, said: ran.stdout + ran.stderr, received }
}

const bodies = (received: string) => [...received.matchAll(/\n\n(\.line \d\n\.\nend \d\n)/g)].map(([, body]) => body)

describeWith(['fetchmail'], 'fetchmail', () => {
  test.each([
    ['over TLS', () => `service ${pop.tlsPort}`, 'ssl'],
    ['with STLS', () => `service ${pop.port}`, "sslproto 'tls1.2+'"],
  ])('takes mail away %s', async (_, connection, tls) => {
    await pop.deliver([Buffer.from(message(1)), Buffer.from(message(2))])
    const first = await fetchmail(connection(), tls)
    expect(first.code, first.said).toBe(0)
    expect(bodies(first.received)).toEqual(['.line 1\n.\nend 1\n', '.line 2\n.\nend 2\n'])
    expect(await pop.count()).toBe(0)
    expect((await fetchmail(connection(), tls)).code).toBe(NO_MAIL)
  })

  test('keeps mail on the server and fetches what is new alone, by unique id', async () => {
    await pop.deliver([Buffer.from(message(1))])
    const poll = () => fetchmail(`service ${pop.tlsPort} uidl`, 'ssl', 'keep')
    const first = await poll()
    expect(first.code, first.said).toBe(0)
    expect((await poll()).code).toBe(NO_MAIL)
    await pop.deliver([Buffer.from(message(2))])
    const third = await poll()
    expect(third.code, third.said).toBe(0)
    expect(bodies(third.received)).toEqual(['.line 1\n.\nend 1\n', '.line 2\n.\nend 2\n'])
    expect(await pop.count()).toBe(2)
  })
})
