import { fakeClock } from 'mailserver/testing'
import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/peer.ts'
import { Pop3Client } from './pop3-client.ts'
import { ALICE, PASSWORD, type Pop3Host, startPop3 } from './pop3-host.ts'

const message = (n: number) => `Subject: ${n}\r\n\r\nbody ${n}\r\n`
const DAY_MS = 86_400_000

async function inSession(host: Pop3Host, ...commands: string[]): Promise<void> {
  using client = await Pop3Client.login(host)
  for (const command of commands) {
    const reply = command.startsWith('RETR') ? (await client.lines(command)).status : await client.command(command)
    expect(reply, command).toMatch(/^\+OK/)
  }
  expect(await client.command('QUIT')).toMatch(/^\+OK/)
}

async function stat(host: Pop3Host): Promise<string> {
  using client = await Pop3Client.login(host)
  const reply = await client.command('STAT')
  await client.command('QUIT')
  return reply.split(' ')[1] as string
}

/** Flags of each message of a mailbox. */
async function flags(host: Pop3Host, name: string): Promise<string[][]> {
  const { id } = await host.store.mailbox(ALICE, name)
  const found: string[][] = []
  for await (const batch of host.store.states(ALICE, id)) found.push(...batch.map((state) => [...state.flags]))
  return found
}

describe('what becomes of a deleted message', () => {
  test('remove: it is gone', async () => {
    await using host = await startPop3()
    await host.deliver([message(1), message(2)])
    await inSession(host, 'DELE 1')
    expect(await flags(host, 'INBOX')).toHaveLength(1)
  })

  test('keep: it stays for other clients, and POP3 shows it no more', async () => {
    await using host = await startPop3({ pop3: { deletion: 'keep' } })
    await host.deliver([message(1), message(2)])
    await inSession(host, 'DELE 1')
    expect(await flags(host, 'INBOX')).toHaveLength(2)
    using client = await Pop3Client.login(host)
    expect((await client.lines('RETR 1')).body).toBe(message(2))
    expect(await client.command('RETR 2')).toMatch(/^-ERR/)
  })

  test.each([
    ['trash', 'Trash'],
    ['archive', 'Archive'],
  ] as const)('%s: it is moved there', async (deletion, name) => {
    await using host = await startPop3({ pop3: { deletion } })
    await host.deliver([message(1), message(2)])
    await inSession(host, 'RETR 1', 'DELE 1')
    expect(await flags(host, 'INBOX')).toHaveLength(1)
    expect(await flags(host, name)).toHaveLength(1)
  })

  test('trash, where the trash itself is the maildrop: it is gone', async () => {
    await using host = await startPop3({ pop3: { deletion: 'trash', mailbox: 'Trash' } })
    await host.deliver([message(1)], 'Trash')
    await inSession(host, 'DELE 1')
    expect(await flags(host, 'Trash')).toEqual([])
  })
})

describe('the policy of one account', () => {
  test('wins over that of all, by address in any case', async () => {
    const users = { 'Alice@EXAMPLE.test': { mailbox: 'Archive', deletion: 'keep' as const } }
    await using host = await startPop3({ pop3: { users } })
    await host.deliver([message(1)], 'Archive')
    expect(await stat(host)).toBe('1')
    await inSession(host, 'DELE 1')
    expect(await stat(host)).toBe('0')
    expect(await flags(host, 'Archive')).toHaveLength(1)
  })

  test('may name a mailbox that is not there', async () => {
    await using host = await startPop3({ pop3: { mailbox: 'Nowhere' } })
    using client = await Pop3Client.connect(host)
    await client.command('USER alice@example.test')
    expect(await client.command(`PASS ${PASSWORD}`)).toBe('-ERR [SYS/PERM] There is no mailbox')
  })

  test('has to be for an address', async () => {
    await expect(startPop3({ pop3: { users: { alice: {} } } })).rejects.toThrow(/pop3\.users\.alice/)
  })
})

test('a message that was retrieved counts as read after QUIT; one that was looked at, or a session that vanished, not', async () => {
  await using host = await startPop3()
  await host.deliver([message(1), message(2), message(3)])
  await inSession(host, 'RETR 1')
  {
    using vanishing = await Pop3Client.login(host)
    await vanishing.lines('RETR 2')
    await vanishing.lines('TOP 3 0')
  }
  expect(await flags(host, 'INBOX')).toEqual([['\\Seen'], [], []])
  await using unmarked = await startPop3({ pop3: { marksSeen: false } })
  await unmarked.deliver([message(1)])
  await inSession(unmarked, 'RETR 1')
  expect(await flags(unmarked, 'INBOX')).toEqual([[]])
})

test('a message that was retrieved goes when its days are over (RFC 2449 section 6.7)', async () => {
  const clock = fakeClock(DAY_MS * 20_000)
  await using host = await startPop3({ clock, pop3: { expireDays: 30 } })
  await host.deliver([message(1), message(2)])
  await inSession(host, 'RETR 1')
  expect(await stat(host)).toBe('2')
  await eventually(() => host.sessions().length === 0)
  await clock.advance(30 * DAY_MS)
  await inSession(host, 'NOOP')
  expect(await flags(host, 'INBOX')).toEqual([[]])
  using client = await Pop3Client.connect(host)
  expect((await client.lines('CAPA')).body).toContain('EXPIRE 30\r\n')
})

test('EXPIRE 0: a message that was retrieved goes at QUIT', async () => {
  await using host = await startPop3({ pop3: { expireDays: 0 } })
  await host.deliver([message(1), message(2)])
  await inSession(host, 'RETR 2')
  expect(await stat(host)).toBe('1')
})

test('a login too soon after the last is refused (RFC 2449 section 6.5)', async () => {
  const clock = fakeClock(DAY_MS * 20_000)
  await using host = await startPop3({ clock, pop3: { loginDelay: 60_000 } })
  await inSession(host, 'NOOP')
  {
    using client = await Pop3Client.connect(host)
    expect((await client.lines('CAPA')).body).toContain('LOGIN-DELAY 60\r\n')
    await client.command('USER alice@example.test')
    expect(await client.command(`PASS ${PASSWORD}`)).toMatch(/^-ERR \[LOGIN-DELAY\] /)
  }
  await eventually(() => host.sessions().length === 0)
  await clock.advance(60_000)
  await inSession(host, 'NOOP')
})
