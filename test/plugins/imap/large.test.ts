import { indexMessage, type NewMessage } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { imapWorld, mail } from './support/imap-world.ts'

const MESSAGES = 100_000
const NAMES = Array.from({ length: 10_000 }, (_, at) => `Box/${String(at).padStart(5, '0')}`)

describe('a mailbox with 100,000 messages', () => {
  it('is selected, searched, fetched, marked and emptied', async () => {
    await using world = await imapWorld()
    const octets = Buffer.from(mail('one').replace(/\r?\n/g, '\r\n'))
    const index = indexMessage(octets)
    const blob = await world.blobs.write(octets)
    const id = await world.idOf('INBOX')
    const message: NewMessage = { blob, index, flags: [], internalDate: 0 }
    for (let from = 0; from < MESSAGES; from += 10_000)
      await world.store.append(world.account, id, Array<NewMessage>(10_000).fill(message))
    const client = await world.login()
    expect(await client.ok('SELECT INBOX')).toContain(`* ${MESSAGES} EXISTS`)
    expect(await client.ok('STATUS INBOX (MESSAGES UNSEEN)')).toEqual([
      `* STATUS "INBOX" (MESSAGES ${MESSAGES} UNSEEN ${MESSAGES})`,
    ])
    expect(await client.ok('SEARCH RETURN (MIN MAX COUNT) ALL')).toEqual([
      expect.stringMatching(/MIN 1 MAX 100000 COUNT 100000$/),
    ])
    expect(await client.ok('FETCH 99999:* (UID FLAGS)')).toHaveLength(2)
    expect(await client.ok('UID SEARCH RETURN (ALL) UID 500:600 UNSEEN')).toEqual([
      expect.stringMatching(/ALL 500:600$/),
    ])
    await client.ok('STORE 1:50000 +FLAGS.SILENT (\\Deleted)')
    expect((await client.ok('UIDBATCHES 25000')).join()).toMatch(/ 100000:75001,75000:50001,50000:25001,25000:1$/)
    await client.ok('ENABLE QRESYNC')
    const gone = await client.ok('EXPUNGE')
    expect(gone[0]).toBe('* VANISHED 1:50000')
    expect(await client.ok('STATUS INBOX (MESSAGES)')).toEqual(['* STATUS "INBOX" (MESSAGES 50000)'])
  }, 60_000)
})

describe('an account with 10,000 mailboxes', () => {
  it('is listed, whole and by patterns', async () => {
    await using world = await imapWorld()
    for (const name of NAMES) await world.store.createMailbox(world.account, name)
    const client = await world.login()
    const all = await client.ok('LIST "" "*"')
    expect(all.filter((line) => line.includes('"Box/'))).toHaveLength(NAMES.length)
    expect(await client.ok('LIST "" "Box/0999%"')).toHaveLength(10)
    expect((await client.ok('LIST "" "%"')).some((line) => line.endsWith('"Box"'))).toBe(true)
    expect(await client.ok('XLIST "" "Box/00001"')).toEqual(['* XLIST (\\HasNoChildren) "/" "Box/00001"'])
    expect(await client.ok('LIST "" "Box/0000%" RETURN (STATUS (MESSAGES))')).toHaveLength(20)
    expect(await client.ok('LSUB "" "Box/*"')).toEqual([])
  }, 60_000)
})
