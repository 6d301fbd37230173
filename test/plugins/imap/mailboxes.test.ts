import { expect, it } from 'vitest'
import { dialog } from './support/dialog.ts'
import { imapWorld, mail } from './support/imap-world.ts'

it('lists by wildcards, with children and special uses (RFC 3501 section 6.3.8, RFC 3348, RFC 6154)', async () => {
  await using world = await imapWorld()
  await world.store.createMailbox(world.account, 'Work/2026/May')
  await dialog(
    world,
    `
    C: a1 LIST "" ""
    S: * LIST (\\Noselect) "/" ""
    S: a1 OK List completed
    C: a2 LIST "" "%"
    S: * LIST (\\HasNoChildren) "/" "INBOX"
    S: ~ Archive
    S: * LIST (\\HasNoChildren \\Drafts) "/" "Drafts"
    S: * LIST (\\HasNoChildren \\Junk) "/" "Junk"
    S: * LIST (\\HasNoChildren \\Sent) "/" "Sent"
    S: * LIST (\\HasNoChildren \\Trash) "/" "Trash"
    S: * LIST (\\HasChildren) "/" "Work"
    S: a2 OK List completed
    C: a3 LIST Work/ *
    S: * LIST (\\HasChildren) "/" "Work/2026"
    S: * LIST (\\HasNoChildren) "/" "Work/2026/May"
    S: a3 OK List completed
    C: a4 LIST "" Work/%/M%y
    S: * LIST (\\HasNoChildren) "/" "Work/2026/May"
    S: a4 OK List completed
    C: a5 LIST "" inbox
    S: * LIST (\\HasNoChildren) "/" "INBOX"
    S: a5 OK List completed
    C: a6 DELETE Work/2026
    S: a6 OK Deleted
    C: a7 LIST "" Work/%
    S: * LIST (\\Noselect \\HasChildren) "/" "Work/2026"
    S: a7 OK List completed
    C: a8 SELECT Work/2026
    S: a8 NO [NONEXISTENT] There is no such mailbox
    C: a9 DELETE Work/2026
    S: a9 NO [NONEXISTENT] There is no such mailbox
    C: a10 LIST "" )
    S: a10 BAD Invalid character
  `,
  )
})

it('creates, renames and deletes', async () => {
  await using world = await imapWorld()
  await dialog(
    world,
    `
    C: a1 CREATE owatagusiam/
    S: ~ ^a1 OK .*Created$
    C: a2 CREATE owatagusiam/blurdybloop
    S: ~ ^a2 OK .*Created$
    C: a3 CREATE owatagusiam
    S: a3 NO [ALREADYEXISTS] Mailbox exists already
    C: a4 CREATE inbox
    S: a4 NO [ALREADYEXISTS] Mailbox exists already
    C: a5 RENAME owatagusiam zowie
    S: a5 OK Renamed
    C: a6 LIST "" z*
    S: * LIST (\\HasChildren) "/" "zowie"
    S: * LIST (\\HasNoChildren) "/" "zowie/blurdybloop"
    S: a6 OK List completed
    C: a7 RENAME nothing something
    S: a7 NO [NONEXISTENT] There is no such mailbox
    C: a8 RENAME zowie/blurdybloop zowie
    S: a8 NO [ALREADYEXISTS] Mailbox exists already
    C: a9 DELETE INBOX
    S: a9 NO [CANNOT] Not possible with this mailbox
    C: a10 DELETE zowie/blurdybloop
    S: a10 OK Deleted
    C: a11 CREATE a//b
    S: a11 NO [CANNOT] Not a possible name or value
    C: a12 CREATE "&U,BTFw-"
    S: ~ ^a12 OK .*Created$
    C: a13 LIST "" "*&U,BTFw-"
    S: * LIST (\\HasNoChildren) "/" "&U,BTFw-"
    S: a13 OK List completed
    C: a14 CREATE "&AGE-"
    S: a14 BAD Mailbox name is not in modified UTF-7
    C: a15 CREATE "\xfc"
    S: a15 BAD Mailbox name is not in modified UTF-7
  `,
  )
  expect((await world.store.mailbox(world.account, '台北')).name).toBe('台北')
})

it('creates with a special use, once (RFC 6154 section 3)', async () => {
  await using world = await imapWorld()
  await world.store.deleteMailbox(world.account, 'Trash')
  await dialog(
    world,
    `
    C: a1 CREATE Bin (USE (\\Trash))
    S: ~ ^a1 OK .*Created$
    C: a2 LIST "" Bin
    S: * LIST (\\HasNoChildren \\Trash) "/" "Bin"
    S: a2 OK List completed
    C: a3 CREATE Bin2 (USE (\\Trash))
    S: a3 NO [USEATTR] Another mailbox has this use
    C: a4 CREATE Everything (USE (\\All))
    S: a4 NO [USEATTR] No such use here
    C: a5 CREATE Both (USE (\\Junk \\Sent))
    S: a5 NO [USEATTR] No such use here
    C: a6 CREATE X (COLOUR (red))
    S: a6 BAD No such parameter of CREATE
  `,
  )
})

it('moves the messages when INBOX is renamed (RFC 3501 section 6.3.5)', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('one'))
  await dialog(
    world,
    `
    C: a1 RENAME INBOX old-mail
    S: a1 OK Renamed
    C: a2 STATUS old-mail (MESSAGES)
    S: * STATUS "old-mail" (MESSAGES 1)
    S: a2 OK Status completed
    C: a3 STATUS INBOX (MESSAGES)
    S: * STATUS "INBOX" (MESSAGES 0)
    S: a3 OK Status completed
  `,
  )
})

it('keeps subscriptions apart from mailboxes (RFC 3501 sections 6.3.6 to 6.3.9)', async () => {
  await using world = await imapWorld()
  for (const name of await world.store.subscriptions(world.account)) {
    await world.store.setSubscribed(world.account, name, false)
  }
  await dialog(
    world,
    `
    C: a1 SUBSCRIBE news/comp/mail/mime
    S: a1 OK Subscribed
    C: a2 SUBSCRIBE inbox
    S: a2 OK Subscribed
    C: a3 LSUB "" news/comp/%
    S: * LSUB (\\Noselect) "/" "news/comp/mail"
    S: a3 OK Lsub completed
    C: a4 LSUB "" *
    S: * LSUB () "/" "INBOX"
    S: * LSUB (\\Noselect) "/" "news/comp/mail/mime"
    S: a4 OK Lsub completed
    C: a5 UNSUBSCRIBE news/comp/mail/mime
    S: a5 OK Unsubscribed
    C: a6 UNSUBSCRIBE news/comp/mail/mime
    S: a6 OK Unsubscribed
    C: a7 LSUB news/ *
    S: a7 OK Lsub completed
  `,
  )
})

it('tells the status of a mailbox, also of the selected one', async () => {
  await using world = await imapWorld()
  await world.deliver('Sent', mail('one'), mail('two'))
  await dialog(
    world,
    `
    C: a1 STATUS Sent (MESSAGES RECENT UIDNEXT UNSEEN)
    S: * STATUS "Sent" (MESSAGES 2 RECENT 2 UIDNEXT 3 UNSEEN 2)
    S: a1 OK Status completed
    C: a2 STATUS Sent (UIDVALIDITY)
    S: ~ ^\\* STATUS "Sent" \\(UIDVALIDITY [1-9]\\d*\\)$
    S: a2 OK Status completed
    C: a3 STATUS Sent (NONSENSE)
    S: a3 BAD No such status item
    C: a4 STATUS Sent ()
    S: a4 BAD Status item expected
    C: a5 STATUS Nowhere (MESSAGES)
    S: a5 NO [NONEXISTENT] There is no such mailbox
    C: a6 NAMESPACE
    S: * NAMESPACE (("" "/")) (("Other Users/" "/")) NIL
    S: a6 OK Namespace completed
  `,
  )
})

it('leaves a mailbox by SELECT, CLOSE, UNSELECT and DELETE, and by a SELECT that fails', async () => {
  await using world = await imapWorld()
  await world.deliver('Sent', mail('one'))
  await dialog(
    world,
    `
    C: a1 FETCH 1 FLAGS
    S: a1 BAD Not possible in the authenticated state
    C: a2 EXAMINE Sent
    S: ~ FLAGS
    S: * OK [PERMANENTFLAGS ()] Flags permitted
    S: * 1 EXISTS
    S: * 1 RECENT
    S: * OK [UNSEEN 1] First unseen
    S: ~ UIDVALIDITY
    S: ~ HIGHESTMODSEQ
    S: * OK [UIDNEXT 2] Predicted next UID
    S: ~ MAILBOXID
    S: a2 OK [READ-ONLY] Examined
    C: a3 STORE 1 +FLAGS (\\Deleted)
    S: a3 NO [READ-ONLY] Mailbox is read-only
    C: a4 EXPUNGE
    S: a4 NO [READ-ONLY] Mailbox is read-only
    C: a5 FETCH 1 (BODY[TEXT] FLAGS)
    S: * 1 FETCH (FLAGS (\\Recent) BODY[TEXT] {8}
    S: Hello.
    S: )
    S: a5 OK Fetch completed
    C: a6 CLOSE
    S: a6 OK Closed
    C: a7 FETCH 1 FLAGS
    S: a7 BAD Not possible in the authenticated state
    C: a8 EXAMINE Sent
    S: ~ FLAGS
    S: ~ PERMANENTFLAGS
    S: * 1 EXISTS
    S: * 1 RECENT
    S: ~ UNSEEN
    S: ~ UIDVALIDITY
    S: ~ HIGHESTMODSEQ
    S: ~ UIDNEXT
    S: ~ MAILBOXID
    S: a8 OK [READ-ONLY] Examined
    C: a9 SELECT Nowhere
    S: a9 NO [NONEXISTENT] There is no such mailbox
    C: a10 CHECK
    S: a10 BAD Not possible in the authenticated state
  `,
  )
  expect(world.mirrors.size).toBe(0)
})
