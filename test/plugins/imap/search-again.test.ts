import type { MailStore } from 'mailserver'
import { expect, it } from 'vitest'
import { imapWorld, mail } from './support/imap-world.ts'

it('reads the fields of a message for the first search alone, and finds the same', async () => {
  const read: number[] = []
  const wrapStore = (store: MailStore): MailStore => ({
    ...store,
    indexes(account, mailbox, uids) {
      read.push(...uids)
      return store.indexes(account, mailbox, uids)
    },
  })
  await using world = await imapWorld({ wrapStore })
  const about = (subject: string) => Buffer.from(`${subject}From: Ann <ann@example.com>\r\n\r\ntext\r\n`)
  await world.deliver(
    'INBOX',
    about('Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n'),
    about('Subject: others\r\n'),
    about(''),
    about('Subject: gr\r\n'),
  )
  const [one, two] = [await world.login(), await world.login()]
  for (const client of [one, two]) await client.ok('SELECT INBOX')
  const reads = async (client: typeof one, command: string) => {
    read.length = 0
    const [line] = await client.ok(command)
    return [line, [...read]]
  }
  expect(await reads(one, 'UID SEARCH SUBJECT GR')).toEqual(['* SEARCH 1 4', [1, 2, 3, 4]])
  expect(await reads(one, 'UID SEARCH SUBJECT gr')).toEqual(['* SEARCH 1 4', []])
  expect(await reads(two, 'UID SEARCH SUBJECT oth'), 'by another session').toEqual(['* SEARCH 2', []])
  expect(await reads(one, 'UID SEARCH SUBJECT ""')).toEqual(['* SEARCH 1 2 4', []])
  expect(await reads(one, 'UID SEARCH NOT SUBJECT gr')).toEqual(['* SEARCH 2 3', []])
  expect(await reads(one, 'UID SEARCH SUBJECT gr FROM ann'), 'only of what the first decides').toEqual([
    '* SEARCH 1 4',
    [1, 4],
  ])
  await two.ok('UID STORE 1 +FLAGS (\\Deleted)')
  await two.ok('EXPUNGE')
  await world.deliver('INBOX', mail('great'), about('Subject: grand\r\n'))
  await one.ok('NOOP')
  expect(await reads(one, 'UID SEARCH SUBJECT gr')).toEqual(['* SEARCH 4 5 6', [5, 6]])
})
