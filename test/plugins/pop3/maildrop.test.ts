import { MailError, type MailStore } from 'mailserver'
import { fakeClock } from 'mailserver/testing'
import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/peer.ts'
import { Pop3Client } from './pop3-client.ts'
import { ALICE, PASSWORD, type Pop3Host, startPop3 } from './pop3-host.ts'

const message = (n: number) => `Subject: ${n}\r\n\r\nbody ${n}\r\n`

async function tryLogin(host: Pop3Host): Promise<string> {
  using client = await Pop3Client.connect(host)
  await client.command('USER alice@example.test')
  return await client.command(`PASS ${PASSWORD}`)
}

describe('the lock of a maildrop (RFC 1939 section 4)', () => {
  test('lets one session in, and the next when that one quits or vanishes in any way', async () => {
    await using host = await startPop3()
    await host.deliver([message(1)])
    const ends: ((client: Pop3Client) => unknown)[] = [
      (client) => client.command('QUIT'),
      (client) => client.close(),
      (client) => client.socket.end(),
      (client) => {
        client.write('RETR 1\r\n')
        client.close()
      },
    ]
    for (const end of ends) {
      const first = await Pop3Client.login(host)
      expect(await tryLogin(host)).toBe('-ERR [IN-USE] Mailbox is in use by another POP3 session')
      await end(first)
      await eventually(async () => (await tryLogin(host)).startsWith('+OK'))
      first.close()
      await eventually(() => host.sessions().length === 0)
    }
  })

  test('is free again when the maildrop cannot be opened', async () => {
    let isBroken = true
    await using host = await startPop3({
      wrapStore: (store) => ({
        ...store,
        mailbox: (...args) => {
          if (isBroken) throw new MailError('UNAVAILABLE', 'the disk is gone')
          return store.mailbox(...args)
        },
      }),
    })
    expect(await tryLogin(host)).toBe('-ERR [SYS/TEMP] Temporary problem, try again later')
    isBroken = false
    expect(await tryLogin(host)).toMatch(/^\+OK/)
  })

  test('that is lost ends the session before it can remove anything', async () => {
    const lost = new AbortController()
    await using host = await startPop3()
    await host.deliver([message(1)])
    const lease = host.engine.lease.bind(host.engine)
    Object.assign(host.engine, {
      lease: async (name: string, ttl: number) => {
        const held = await lease(name, ttl)
        return held && { ...held, lost: lost.signal }
      },
    })
    using client = await Pop3Client.login(host)
    await client.command('DELE 1')
    lost.abort(new Error('taken over'))
    expect(await client.command('QUIT')).toMatch(/^-ERR \[SYS\/TEMP\] The lock .* was lost/)
    expect(await client.rest()).toBe('')
    expect(await host.uids()).toEqual([1])
  })
})

describe('the maildrop is INBOX as it was at login', () => {
  test('what arrives later is not in it, and keeps when what was in it goes', async () => {
    await using host = await startPop3()
    await host.deliver([message(1)])
    using client = await Pop3Client.login(host)
    await host.deliver([message(2)])
    expect(await client.command('STAT')).toMatch(/^\+OK 1 /)
    expect(await client.command('RETR 2')).toBe('-ERR No such message')
    await client.command('DELE 1')
    await client.command('QUIT')
    expect(await host.uids()).toEqual([2])
  })

  test('a message that IMAP removed meanwhile is refused, the others are served, and QUIT works', async () => {
    await using host = await startPop3()
    await host.deliver([message(1), message(2), message(3)])
    using client = await Pop3Client.login(host)
    const { id } = await host.store.mailbox(ALICE, 'INBOX')
    await host.store.expunge(ALICE, id, [2])
    expect(await client.command('RETR 2')).toBe('-ERR Message was removed by another session')
    expect(await client.command('TOP 2 0')).toBe('-ERR Message was removed by another session')
    expect((await client.lines('RETR 3')).body).toBe(message(3))
    expect(await client.command('STAT')).toMatch(/^\+OK 3 /)
    await client.command('DELE 2')
    await client.command('DELE 3')
    expect(await client.command('QUIT')).toBe('+OK Bye, 1 messages removed')
    expect(await host.uids()).toEqual([1])
  })

  test('ids outlive the session and are not used again', async () => {
    await using host = await startPop3()
    await host.deliver([message(1), message(2)])
    const ids = async () => {
      using client = await Pop3Client.login(host)
      const { body } = await client.lines('UIDL')
      await client.command('DELE 2')
      await client.command('QUIT')
      return body.split('\r\n').map((line) => line.split(' ')[1])
    }
    const before = await ids()
    await host.deliver([message(3)])
    const after = await ids()
    expect(after[0]).toBe(before[0])
    expect(after[1]).not.toBe(before[1])
  })

  test('a removal that fails says so, closes, and removes nothing', async () => {
    const failing: Partial<MailStore> = {
      expunge: () => Promise.reject(new MailError('STORE_FULL', 'no room')),
    }
    await using host = await startPop3({ wrapStore: (store) => ({ ...store, ...failing }) })
    await host.deliver([message(1)])
    using client = await Pop3Client.login(host)
    await client.command('DELE 1')
    expect(await client.command('QUIT')).toBe('-ERR [SYS/TEMP] Temporary problem, try again later')
    expect(await client.rest()).toBe('')
    expect(await host.uids()).toEqual([1])
  })

  test('10,000 messages are listed', async () => {
    await using host = await startPop3()
    await host.deliver(Array.from({ length: 10_000 }, (_, at) => message(at)))
    using client = await Pop3Client.login(host)
    expect((await client.lines('LIST')).body.split('\r\n')).toHaveLength(10_001)
    expect((await client.lines('UIDL')).body.split('\r\n')).toHaveLength(10_001)
  })
})

describe('time', () => {
  test('ten minutes without a command end the session in silence, and remove nothing', async () => {
    const clock = fakeClock()
    await using host = await startPop3({ clock })
    await host.deliver([message(1)])
    using client = await Pop3Client.login(host)
    await client.command('DELE 1')
    await clock.advance(9 * 60_000)
    expect(await client.command('NOOP')).toBe('+OK Nothing done')
    await clock.advance(10 * 60_000 - 1)
    expect(client.socket.destroyed).toBe(false)
    const rest = client.rest()
    await clock.advance(1)
    expect(await rest).toBe('')
    expect(await host.uids()).toEqual([1])
  })

  test('a client that does not log in is closed, however much it says', async () => {
    const clock = fakeClock()
    await using host = await startPop3({ clock })
    using client = await Pop3Client.connect(host, { tls: false })
    await clock.advance(30_000)
    await client.command('NOOP')
    await clock.advance(29_000)
    await client.command('CAPA')
    await client.body()
    const rest = client.rest()
    await clock.advance(1_001)
    expect(await rest).toBe('')
  })
})

describe('drain', () => {
  test('tells idle sessions, whatever their state, and frees their locks', async () => {
    await using host = await startPop3()
    await host.deliver([message(1)])
    using idle = await Pop3Client.connect(host, { tls: false })
    using inside = await Pop3Client.login(host)
    await inside.command('DELE 1')
    await host.drain('stop')
    for (const client of [idle, inside]) expect(await client.rest()).toBe('-ERR [SYS/TEMP] Shutting down\r\n')
    expect(host.sessions()).toEqual([])
    expect(await host.uids()).toEqual([1])
    expect(await host.engine.lease(`pop3:${ALICE}`, 1_000)).toBeDefined()
    await expect(Pop3Client.dial(host, { tls: false })).rejects.toThrow(/ECONNREFUSED/)
  })

  test('for a reload leaves sessions alone until they quit', async () => {
    await using host = await startPop3()
    await host.deliver([message(1)])
    using inside = await Pop3Client.login(host)
    let isOver = false
    const drained = host.drain('reload').then(() => {
      isOver = true
    })
    expect((await inside.lines('RETR 1')).body).toBe(message(1))
    expect(isOver).toBe(false)
    expect(await inside.command('QUIT')).toBe('+OK Bye')
    await drained
  })

  test('for a reload ends sessions at its deadline', async () => {
    await using host = await startPop3()
    using idle = await Pop3Client.connect(host, { tls: false })
    const deadline = new AbortController()
    const drained = host.drain('reload', deadline.signal)
    expect(await idle.command('NOOP')).toBe('-ERR Log in first')
    deadline.abort(new Error('time is up'))
    expect(await idle.rest()).toBe('-ERR [SYS/TEMP] Shutting down\r\n')
    await drained
  })
})
