import { memoryBlobStore, memoryEngine } from 'mailserver/testing'
import { systemClock } from '../../../src/kernel/clock.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { indexMessage } from '../../../src/mail/index-message.ts'
import type { BlobRef, BlobStore } from '../../../src/store/blob-store.ts'
import { createMailStore } from '../../../src/store/create-mail-store.ts'
import type { Engine } from '../../../src/store/engine.ts'
import type { AccountId, MailboxId, MailStore } from '../../../src/store/mail-store.ts'
import { createStoreContext, type StoreContext } from '../../../src/store/store-context.ts'

/** A store in memory with one account, and what a test does with it. */
export interface SmallStore {
  readonly context: StoreContext
  readonly engine: Engine
  readonly blobs: BlobStore
  readonly store: MailStore
  readonly account: AccountId
  id(name: string, account?: AccountId): Promise<MailboxId>
  /** Appends one message of this text for each; returns its UID and blob. */
  add(
    name: string,
    text: string,
    flags?: readonly string[],
    account?: AccountId,
  ): Promise<{ uid: number; blob: BlobRef }>
}

export const ALICE = 'alice-id' as AccountId

export async function smallStore(parts: Partial<StoreContext> = {}): Promise<SmallStore> {
  const context = createStoreContext({
    engine: memoryEngine(),
    blobs: memoryBlobStore(),
    clock: systemClock,
    log: silentLog,
    ...parts,
  })
  const store = createMailStore(context)
  await store.createAccount(ALICE)
  const id = async (name: string, account = ALICE) => (await store.mailbox(account, name)).id
  return {
    context,
    engine: context.engine,
    blobs: context.blobs,
    store,
    account: ALICE,
    id,
    async add(name, text, flags = [], account = ALICE) {
      const bytes = messageOf(text)
      const blob = await context.blobs.write(bytes)
      const message = { blob, index: indexMessage(bytes), flags, internalDate: Date.UTC(2024, 1, 29, 12, 30, 15) }
      const [appended] = await store.append(account, await id(name, account), [message])
      return { uid: appended?.uid ?? 0, blob }
    },
  }
}

export const messageOf = (text: string): Buffer =>
  Buffer.from(
    `From: a@example.test\r\nTo: b@example.test\r\nSubject: ${text}\r\nMessage-ID: <${text}@example.test>\r\n\r\n${text}\r\n`,
  )
