import { expect, it } from 'vitest'
import { dialog } from './support/dialog.ts'
import { imapWorld, mail } from './support/imap-world.ts'

it('lists special uses by their old names (XLIST)', async () => {
  await using world = await imapWorld()
  await dialog(
    world,
    `C: a1 CREATE "Work/2026"
     S: ~ a1 OK
     C: a4 DELETE Work
     S: ~ a4 (OK|NO)
     C: a5 XLIST "" "%"
     S: * XLIST (\\HasNoChildren \\Inbox) "/" "INBOX"
     S: * XLIST (\\HasNoChildren \\Archive) "/" "Archive"
     S: * XLIST (\\HasNoChildren \\Drafts) "/" "Drafts"
     S: * XLIST (\\HasNoChildren \\Spam) "/" "Junk"
     S: * XLIST (\\HasNoChildren \\Sent) "/" "Sent"
     S: * XLIST (\\HasNoChildren \\Trash) "/" "Trash"
     S: * XLIST (\\Noselect \\HasChildren) "/" "Work"
     S: a5 OK Xlist completed
     C: a6 XLIST Work/ *
     S: * XLIST (\\HasNoChildren) "/" "Work/2026"
     S: a6 OK Xlist completed
     C: a7 XLIST
     S: a7 BAD Missing argument`,
  )
})

it('answers Apple Mail: many commands at once, STATUS of the mailbox that is selected, DONE with the next command', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('one'))
  const client = await world.login()
  client.send(
    '1.1 ID ("name" "Mac OS X Mail" "version" "16.0")\r\n1.2 NAMESPACE\r\n1.3 LIST "" "*"\r\n1.4 LSUB "" "*"\r\n1.5 SELECT INBOX\r\n' +
      '1.6 FETCH 1:* (FLAGS UID)\r\n1.7 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)\r\n1.8 IDLE\r\n',
  )
  const lines: string[] = []
  while (lines.at(-1)?.startsWith('+') !== true) lines.push(await client.line())
  expect(lines.filter((line) => line.startsWith('1.')).map((line) => line.slice(0, 6))).toEqual(
    [1, 2, 3, 4, 5, 6, 7].map((number) => `1.${number} OK`),
  )
  expect(lines).toContain('* 1 FETCH (FLAGS (\\Recent) UID 1)')
  expect(lines.find((line) => line.startsWith('* STATUS'))).toMatch(
    /^\* STATUS "INBOX" \(MESSAGES 1 UIDNEXT 2 UIDVALIDITY \d+ UNSEEN 1\)$/,
  )
  await world.deliver('INBOX', mail('two'))
  expect(await client.line()).toBe('* 2 EXISTS')
  expect(await client.line()).toBe('* 2 RECENT')
  client.send(
    'DONE\r\n1.9 STATUS INBOX (MESSAGES UNSEEN)\r\n1.10 UID FETCH 2:* (FLAGS)\r\n1.11 IDLE\r\nDONE\r\n1.12 NOOP\r\n',
  )
  expect(await client.line()).toBe('1.8 OK Idle completed')
  expect(await client.answer('1.12')).toEqual([
    '* STATUS "INBOX" (MESSAGES 2 UNSEEN 2)',
    '1.9 OK Status completed',
    '* 2 FETCH (UID 2 FLAGS (\\Recent))',
    '1.10 OK Fetch completed',
    '+ idling',
    '1.11 OK Idle completed',
    '1.12 OK Noop completed',
  ])
})

it('answers Outlook: names in quotes and in any case, LSUB, sets that end in a star beyond the last UID', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('one'), mail('two'))
  await dialog(
    world,
    `C: A0 SUBSCRIBE "Sent"
     S: A0 OK Subscribed
     C: A1 LSUB "" "*"
     S: ~ LSUB .* "Archive"
     S: ~ LSUB .* "Drafts"
     S: ~ LSUB .* "INBOX"
     S: ~ LSUB .* "Junk"
     S: ~ LSUB .* "Sent"
     S: ~ LSUB .* "Trash"
     S: A1 OK Lsub completed
     C: A2 STATUS "inbox" (UNSEEN)
     S: * STATUS "INBOX" (UNSEEN 2)
     S: A2 OK Status completed
     C: A3 select "Inbox"
     S: ~ FLAGS
     S: ~ PERMANENTFLAGS
     S: * 2 EXISTS
     S: ~ RECENT
     S: ~ UNSEEN 1
     S: ~ UIDVALIDITY
     S: ~ HIGHESTMODSEQ
     S: ~ UIDNEXT
     S: ~ MAILBOXID
     S: ~ A3 OK
     C: A4 UID FETCH 3:* (UID FLAGS)
     S: * 2 FETCH (UID 2 FLAGS (\\Recent))
     S: A4 OK Fetch completed
     C: A5 uid store 1 +flags.silent (\\Seen)
     S: A5 OK Store completed
     C: A6 UID FETCH 1 (BODY.PEEK[HEADER.FIELDS (Subject)])
     S: * 1 FETCH (UID 1 BODY[HEADER.FIELDS (Subject)] {16}
     S: Subject: one
     S:
     S: )
     S: A6 OK Fetch completed
     C: A7 IDLE
     S: + idling
     C: DONE
     S: A7 OK Idle completed`,
  )
})

it('answers Thunderbird: deletes by COPY and STORE in one go, and goes on while it idles elsewhere', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('one'), mail('two'))
  const client = await world.login()
  const other = await world.login()
  await other.ok('SELECT INBOX')
  other.send('5 IDLE\r\n')
  expect(await other.line()).toBe('+ idling')
  client.send('6 lsub "" "*"\r\n7 select "INBOX"\r\n8 UID fetch 1:* (FLAGS)\r\n9 getquotaroot "INBOX"\r\n10 noop\r\n')
  const lines = await client.answer('10')
  expect(lines.filter((line) => /^\d+ OK/.test(line))).toHaveLength(5)
  client.send('11 uid copy 1 "Trash"\r\n12 uid store 1 +FLAGS (\\Deleted \\Seen)\r\n13 expunge\r\n14 close\r\n')
  expect((await client.answer('14')).filter((line) => /^\d+ /.test(line)).map((line) => line.split(' ')[1])).toEqual([
    ...['OK', 'OK', 'OK', 'OK'],
  ])
  const told: string[] = []
  while (told.at(-1) !== '* 1 EXPUNGE') told.push(await other.line())
  other.send('DONE\r\n6 STATUS "Trash" (MESSAGES)\r\n')
  expect(await other.answer('6')).toEqual([
    '5 OK Idle completed',
    '* STATUS "Trash" (MESSAGES 1)',
    '6 OK Status completed',
  ])
})
