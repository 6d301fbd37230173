import { mkdir, open, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ToLf } from './line-ends.ts'
import { folderOf, lettersOf, MAX_KEYWORD_LETTERS } from './maildir-names.ts'
import type { MailboxWriter, OutgoingMailbox, OutgoingMessage } from './transfer-message.ts'

/** Messages that are written at the same time. */
const AT_ONCE = 8

/**
 * A folder of a Maildir++ as Dovecot and mutt have it: flags in the names of files, keywords in `dovecot-keywords`,
 * UIDs in `dovecot-uidlist`, INTERNALDATE as the time of the file. Lines end in LF.
 */
export async function maildirWriter(root: string, mailbox: OutgoingMailbox): Promise<MailboxWriter> {
  const path = join(root, folderOf(mailbox.name))
  for (const part of ['cur', 'new', 'tmp']) await mkdir(join(path, part), { recursive: true, mode: 0o700 })
  if (mailbox.name !== 'INBOX') await writePrivate(join(path, 'maildirfolder'), '')
  const keywords = mailbox.keywords.slice(0, MAX_KEYWORD_LETTERS)
  const uids: string[] = []
  const running = new Set<Promise<void>>()
  return {
    async write(message) {
      const { uid, internalDate, flags } = message
      const name = `${Math.floor(internalDate / 1000)}.M${(internalDate % 1000) * 1000}P${mailbox.uidValidity}U${uid}.mailserver`
      uids.push(`${uid} :${name}`)
      const file = `${name}:2,${lettersOf(flags, keywords)}`
      const work = writeOne(path, name, file, message).finally(() => running.delete(work))
      running.add(work)
      if (running.size >= AT_ONCE) await Promise.race(running)
    },
    async finish() {
      await Promise.all(running)
      const { uidValidity, uidNext } = mailbox
      await writePrivate(join(path, 'dovecot-uidlist'), `3 V${uidValidity} N${uidNext}\n${uids.join('\n')}\n`)
      if (keywords.length === 0) return
      await writePrivate(join(path, 'dovecot-keywords'), keywords.map((keyword, at) => `${at} ${keyword}\n`).join(''))
    },
  }
}

/** Names of subscribed mailboxes, as Dovecot keeps them. */
export async function writeSubscriptions(root: string, names: readonly string[]): Promise<void> {
  const lines = names.map((name) => (name === 'INBOX' ? name : folderOf(name).slice(1)))
  await writePrivate(join(root, 'subscriptions'), lines.map((line) => `${line}\n`).join(''))
}

async function writeOne(path: string, name: string, target: string, message: OutgoingMessage): Promise<void> {
  const partial = join(path, 'tmp', name)
  const lines = new ToLf()
  const file = await open(partial, 'w', 0o600)
  try {
    for await (const piece of message.octets) await file.write(lines.convert(piece))
    await file.write(lines.end())
    const time = message.internalDate / 1000
    await file.utimes(time, time)
  } finally {
    await file.close()
  }
  await rename(partial, join(path, 'cur', target))
}

const writePrivate = (path: string, text: string) => writeFile(path, text, { mode: 0o600 })
