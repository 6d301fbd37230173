import type { AccountId, MailboxId } from 'mailserver'
import { FtsIndex } from '../../../plugins/fts/fts-index.ts'

// Indexes one batch after the other until it is killed, and tells of each.
const [folder = ''] = process.argv.slice(2)
const index = new FtsIndex(folder)
const account = 'a1' as AccountId
const mailbox = { id: 'm1' as MailboxId, uidValidity: 1 }
const { through } = await index.coverage(account, mailbox)
for (let uid = through + 1; ; uid += 10) {
  const documents = Array.from({ length: 10 }, (_, at) => ({
    uid: uid + at,
    id: `d${uid + at}`,
    header: `subject: number ${uid + at}.`,
    body: `needle ${'some words to be found '.repeat(50)} ${uid + at}.`,
  }))
  await index.index(account, mailbox, uid - 1, { documents, copies: [], skipped: [], through: uid + 9 })
  process.stdout.write(`${uid + 9}\n`)
}
