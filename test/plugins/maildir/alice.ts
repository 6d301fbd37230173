import { readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AccountId, indexMessage, type MailboxId, type MessageState } from 'mailserver'
import { memoryBlobStore, memoryEngine } from 'mailserver/testing'
import { afterEach, beforeEach, expect } from 'vitest'
import { scratch } from '../../support/peer.ts'
import { type OpenedMaildir, openMaildir } from './open-maildir.ts'

// One account's Maildir, made anew for each test of a file that imports this, and what tests do with it.

export const alice = 'alice' as AccountId
export const text = (subject: string) => `Subject: ${subject}\nFrom: a@example.test\n\nhello ${subject}\n`

export let directory: ReturnType<typeof scratch>
export let mail: OpenedMaildir
export let root: string

/** Opens the Maildir with an empty index, and looks at it. What was open before must be closed. */
export async function reopen(): Promise<void> {
  mail = await openMaildir({ engine: memoryEngine(), blobs: memoryBlobStore(), path: directory.path })
  await mail.store.createAccount(alice)
  await mail.keeper.settle(alice)
}

export const inbox = async () => (await mail.store.mailbox(alice, 'INBOX')).id
export async function states(mailbox: MailboxId): Promise<MessageState[]> {
  const all: MessageState[] = []
  for await (const batch of mail.store.states(alice, mailbox)) all.push(...batch)
  return all
}
export async function append(mailbox: MailboxId, subject: string, flags: string[] = []): Promise<number> {
  const octets = Buffer.from(text(subject).replaceAll('\n', '\r\n'))
  const blob = await mail.blobs.write(octets)
  const [one] = await mail.store.append(alice, mailbox, [
    { blob, index: indexMessage(octets), flags, internalDate: Date.UTC(2026, 0, 2) },
  ])
  return one?.uid as number
}
/** As a delivery agent does it: written in tmp, then renamed to new. */
export function deliver(folder: string, name: string, subject: string): void {
  writeFileSync(join(root, folder, 'tmp', name), text(subject))
  renameSync(join(root, folder, 'tmp', name), join(root, folder, 'new', name))
}
export const files = (folder: string) =>
  ['new', 'cur'].flatMap((place) => readdirSync(join(root, folder, place)).map((name) => `${place}/${name}`)).sort()
export const one = (folder: string) => {
  const [only, ...others] = files(folder)
  expect(others).toEqual([])
  return only as string
}

beforeEach(async () => {
  directory = scratch('maildir-outside')
  root = join(directory.path, alice)
  await reopen()
})
afterEach(async () => {
  await mail.close()
  directory[Symbol.dispose]()
})
