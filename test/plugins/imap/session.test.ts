import { expect, it } from 'vitest'
import { dialog } from './support/dialog.ts'
import { imapWorld, mail } from './support/imap-world.ts'

it('greets, logs in, selects, fetches and logs out', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('one'), mail('two'))
  await dialog(
    world,
    `
    # not logged in
    C: a1 CAPABILITY
    S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE AUTH=PLAIN AUTH=LOGIN
    S: a1 OK Capability completed
    C: a2 LOGIN alice@example.test secret
    S: ~ ^a2 OK \\[CAPABILITY IMAP4rev1 .*\\] Logged in$
    C: a3 SELECT inbox
    S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
    S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] Flags permitted
    S: * 2 EXISTS
    S: * 2 RECENT
    S: * OK [UNSEEN 1] First unseen
    S: ~ ^\\* OK \\[UIDVALIDITY \\d+\\] UIDs valid$
    S: ~ HIGHESTMODSEQ
    S: * OK [UIDNEXT 3] Predicted next UID
    S: ~ MAILBOXID
    S: a3 OK [READ-WRITE] Selected
    C: a4 FETCH 1:2 (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (Subject)])
    S: ~ ^\\* 1 FETCH \\(UID 1 FLAGS \\(\\\\Recent\\) RFC822.SIZE \\d+ BODY\\[HEADER.FIELDS \\(Subject\\)\\] \\{16\\}$
    S: Subject: one
    S:
    S: )
    S: ~ ^\\* 2 FETCH \\(UID 2 FLAGS \\(\\\\Recent\\) RFC822.SIZE \\d+ BODY\\[HEADER.FIELDS \\(Subject\\)\\] \\{16\\}$
    S: Subject: two
    S:
    S: )
    S: a4 OK Fetch completed
    C: a5 LOGOUT
    S: * BYE Logging out
    S: a5 OK Logout completed
  `,
  )
  expect(world.mirrors.size).toBe(0)
})
