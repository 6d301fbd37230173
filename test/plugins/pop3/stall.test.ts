import { fakeClock } from 'mailserver/testing'
import { expect, test } from 'vitest'
import { eventually } from '../../support/peer.ts'
import { Pop3Client } from './pop3-client.ts'
import { type Pop3Host, startPop3 } from './pop3-host.ts'

const SECOND_MS = 1_000
const LARGE = `A: 1\r\n\r\n${`${'x'.repeat(998)}\r\n`.repeat(30_000)}`

const plain = (host: Pop3Host) => Pop3Client.connect(host, { tls: false })
const saying = async (client: Pop3Client, text: string) => {
  client.socket.pause()
  client.write(text)
  return client
}

test.each([
  ['says nothing', 60, plain],
  ['says half a command', 60, async (host: Pop3Host) => saying(await plain(host), 'US')],
  ['owes an AUTH response', 60, async (host: Pop3Host) => saying(await Pop3Client.connect(host), 'AUTH PLAIN\r\n')],
  ['does not begin TLS', 30, async (host: Pop3Host) => saying(await plain(host), 'STLS\r\n')],
  ['does not read its mail', 120, async (host: Pop3Host) => saying(await Pop3Client.login(host), 'RETR 1\r\n')],
  [
    'does not read a list',
    120,
    async (host: Pop3Host) => saying(await Pop3Client.login(host), 'LIST\r\n'.repeat(99_999)),
  ],
  ['is logged in and idle', 600, Pop3Client.login],
  ['is logged in and says half a command', 600, async (host: Pop3Host) => saying(await Pop3Client.login(host), 'DE')],
])('a client that %s is let go after %i seconds, and not before', async (_, seconds, act) => {
  const clock = fakeClock()
  await using host = await startPop3({ clock })
  await host.deliver([LARGE, ...Array.from({ length: 500 }, () => 'B: 2\r\n\r\n')])
  using _client = await act(host)
  // The server has to come as far as it can before time counts.
  await new Promise((resolve) => setTimeout(resolve, 500))
  await clock.advance((seconds - 5) * SECOND_MS)
  expect(host.sessions()).toHaveLength(1)
  await clock.advance(5 * SECOND_MS + 1)
  // Closing politely may take a while more when the client does not close its side.
  await eventually(async () => {
    await clock.advance(SECOND_MS)
    return host.sessions().length === 0
  })
  using next = await Pop3Client.login(host)
  expect(await next.command('STAT')).toMatch(/^\+OK 501 /)
})
