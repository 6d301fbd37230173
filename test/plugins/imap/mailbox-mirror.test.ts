import type { MailStore } from 'mailserver'
import { expect, it } from 'vitest'
import { imapWorld, mail } from './support/imap-world.ts'

it('is one for all sessions of a mailbox, and is ready for a client that comes back', async () => {
  let scans = 0
  await using world = await imapWorld({
    wrapStore: (store) => ({
      ...store,
      columns(account, mailbox) {
        scans += 1
        return store.columns(account, mailbox)
      },
    }),
  })
  await world.deliver('INBOX', mail('1'))
  const clients = await Promise.all([world.login(), world.login(), world.login()])
  await Promise.all(clients.map((client) => client.ok('SELECT INBOX')))
  expect(scans).toBe(1)
  expect(world.mirrors.size).toBe(1)
  for (const client of clients) await client.ok('UNSELECT')
  expect(world.mirrors.size).toBe(0)
  await world.deliver('INBOX', mail('2'))
  expect(await clients[0]?.ok('SELECT INBOX')).toContain('* 2 EXISTS')
  expect(scans).toBe(1)
})

it('is made anew for a mailbox that was gone for a while, as after a backup was restored', async () => {
  let isHidden = false
  let onListed = () => {}
  await using world = await imapWorld({
    wrapStore: (store) => ({
      ...store,
      async mailboxes(account) {
        const all = await store.mailboxes(account)
        onListed()
        return isHidden ? all.filter(({ name }) => name !== 'INBOX') : all
      },
    }),
  })
  await world.deliver('INBOX', mail('1'))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  await client.ok('UNSELECT')
  // What follows the mailbox hears that names have changed, and does not find its own.
  isHidden = true
  const looked = new Promise<void>((resolve) => {
    onListed = resolve
  })
  await world.store.setSubscribed(world.account, 'Elsewhere', true)
  await looked
  await new Promise((resolve) => setImmediate(resolve))
  isHidden = false
  expect(await client.ok('SELECT INBOX')).toContain('* 1 EXISTS')
  expect(await client.ok('NOOP')).toEqual([])
})

it('takes the mailbox anew when the log of changes is too short', async () => {
  let isShort = false
  const wrapStore = (store: MailStore): MailStore => ({
    ...store,
    async changesSince(account, mailbox, since) {
      const changes = await store.changesSince(account, mailbox, since)
      return isShort ? { ...changes, changed: [], vanished: [], isComplete: false } : changes
    },
    // Nothing is heard: only what is read counts.
    watch: () => () => {},
  })
  await using world = await imapWorld({ wrapStore })
  await world.deliver('INBOX', mail('1'), mail('2'), mail('3'))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  isShort = true
  const inbox = await world.idOf('INBOX')
  await world.store.expunge(world.account, inbox, [2])
  await world.store.setFlags(world.account, inbox, [3], { mode: 'add', flags: ['\\Seen'] })
  await world.deliver('INBOX', mail('4'))
  expect(await client.ok('NOOP')).toEqual([
    '* 2 EXPUNGE',
    '* 3 EXISTS',
    '* 3 RECENT',
    '* 2 FETCH (FLAGS (\\Seen \\Recent))',
  ])
})

it('misses nothing that happens while it is read', async () => {
  let meanwhile = async () => {}
  await using world = await imapWorld({
    wrapStore: (store) => ({
      ...store,
      async columns(account, mailbox) {
        const columns = await store.columns(account, mailbox)
        await meanwhile()
        return columns
      },
    }),
  })
  await world.deliver('INBOX', mail('1'), mail('2'))
  const inbox = await world.idOf('INBOX')
  meanwhile = async () => {
    meanwhile = async () => {}
    await world.deliver('INBOX', mail('3'))
    await world.store.expunge(world.account, inbox, [1])
    await world.store.setFlags(world.account, inbox, [2], { mode: 'add', flags: ['\\Flagged'] })
  }
  const client = await world.login()
  expect(await client.ok('SELECT INBOX')).toContain('* 2 EXISTS')
  expect(await client.ok('UID FETCH 1:* (FLAGS)')).toEqual([
    '* 1 FETCH (UID 2 FLAGS (\\Flagged \\Recent))',
    '* 2 FETCH (UID 3 FLAGS (\\Recent))',
  ])
})

it('reads nothing again of what its own sessions did', async () => {
  const read: number[] = []
  await using world = await imapWorld({
    wrapStore: (store) => ({
      ...store,
      async changesSince(account, mailbox, since) {
        const changes = await store.changesSince(account, mailbox, since)
        read.push(changes.changed.length + changes.vanished.length)
        return changes
      },
    }),
  })
  await world.deliver('INBOX', ...Array.from({ length: 20 }, (_, at) => mail(`m${at}`)))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  await client.ok('STORE 1:* +FLAGS.SILENT (\\Seen)')
  await client.ok('STORE 1:5 +FLAGS.SILENT (\\Deleted)')
  await client.ok('EXPUNGE')
  await client.ok('NOOP')
  read.length = 0
  await client.ok('NOOP')
  expect(read).toEqual([])
  await world.deliver('INBOX', mail('another'))
  expect(await client.ok('NOOP')).toContain('* 16 EXISTS')
  // By NOOP, or by what it had heard before.
  expect(Math.max(...read)).toBe(1)
})

it('hears of a change that overtakes another', async () => {
  const held: (() => void)[] = []
  let isHolding = false
  await using world = await imapWorld({
    wrapStore: (store) => ({
      ...store,
      watch: (account, listener) =>
        store.watch(account, (event) => {
          if (isHolding) held.push(() => listener(event))
          else listener(event)
        }),
    }),
  })
  await world.deliver('INBOX', mail('1'), mail('2'))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  isHolding = true
  await world.store.setFlags(world.account, await world.idOf('INBOX'), [1], { mode: 'add', flags: ['\\Flagged'] })
  await client.ok('STORE 2 +FLAGS.SILENT (\\Seen)')
  expect(held).toHaveLength(2)
  held[1]?.()
  await new Promise((resolve) => setTimeout(resolve, 20))
  held[0]?.()
  client.send('i IDLE\r\n')
  expect(await client.line()).toBe('+ idling')
  expect(await client.line()).toBe('* 1 FETCH (FLAGS (\\Flagged \\Recent))')
  client.send('DONE\r\n')
  await client.answer('i')
})
