import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { codeOf, MailError } from '../../errors/mail-error.ts'
import { MessageIndexer } from '../../mail/index-message.ts'
import { namesIn } from '../backup/whole-files.ts'
import type { BlobRef } from '../blob-store.ts'
import { blobDeadKey } from '../layout.ts'
import { type AccountId, HIERARCHY_SEPARATOR, type Mailbox, type MailStore, type NewMessage } from '../mail-store.ts'
import { newName } from '../mailboxes/mailbox-name.ts'
import { PresentMessages } from '../present-messages.ts'
import type { Watched } from '../progress.ts'
import { parseFlags } from '../records/flags.ts'
import type { StoreContext } from '../store-context.ts'
import { nameOf } from './file-names.ts'
import { ToCrlf } from './line-ends.ts'
import { readEml } from './read-eml.ts'
import { isMaildir, readMaildir } from './read-maildir.ts'
import { readMbox } from './read-mbox.ts'
import type { IncomingMailbox, IncomingMessage, TransferFormat } from './transfer-message.ts'
import { MBOX_END } from './write-mbox.ts'

export interface ImportOptions extends Watched {
  /** Found out when left out. */
  readonly format?: TransferFormat | undefined
  /** Everything comes below this name. */
  readonly into?: string | undefined
  /** The mailbox that a single mbox file is brought into; named after the file when left out. */
  readonly mailbox?: string | undefined
  /** Larger messages are left out, octets. */
  readonly maxBytes: number
  /** Told of what is left out, and why. */
  readonly onSkipped: (skipped: { source: string; text: string }) => Promise<void> | void
}

export interface Imported {
  readonly mailboxes: number
  readonly imported: number
  /** Messages that were there already. */
  readonly present: number
  readonly skipped: number
}

/** One commit takes so many messages, or octets. */
const BATCH = 250
const BATCH_BYTES = 16 * 1024 * 1024
/** A message up to this size is put together in memory. */
const MAX_WHOLE_BYTES = 256 * 1024

/**
 * Brings mail from files into an account, with flags and dates. Messages whose octets are in the mailbox already are
 * passed over, so it can be interrupted and done again. Open sessions are told as of any new message.
 * @throws MailError OVER_QUOTA; what came in before it stays
 */
export async function importAccount(
  store: StoreContext,
  mail: MailStore,
  account: AccountId,
  path: string,
  options: ImportOptions,
): Promise<Imported> {
  await mail.createAccount(account)
  const sum = { mailboxes: 0, imported: 0, present: 0, skipped: 0 }
  for await (const incoming of await mailboxesIn(path, options)) {
    const name = options.into === undefined ? incoming.name : `${options.into}${HIERARCHY_SEPARATOR}${incoming.name}`
    const mailbox = await mailboxNamed(mail, account, name, options)
    if (mailbox === undefined) continue
    await new MailboxImport({ store, mail, account, mailbox, options, sum }).run(incoming)
    sum.mailboxes += 1
  }
  return sum
}

async function mailboxesIn(path: string, { format, mailbox }: ImportOptions): Promise<AsyncIterable<IncomingMailbox>> {
  const found = await stat(path).catch((cause) => {
    throw new MailError('NOT_FOUND', `${path} cannot be read`, { cause })
  })
  if (found.isFile()) return single({ name: mailbox ?? nameOfFile(path), messages: readMbox(path) })
  const known = format ?? ((await isMaildir(path)) ? 'maildir' : (await hasMbox(path)) ? 'mbox' : 'eml')
  if (known === 'maildir') return readMaildir(path)
  return known === 'mbox' ? mboxesIn(path, '') : readEml(path)
}

async function* single(mailbox: IncomingMailbox): AsyncGenerator<IncomingMailbox> {
  yield mailbox
}

async function hasMbox(path: string): Promise<boolean> {
  for (const name of await namesIn(path)) {
    if (name.endsWith(MBOX_END)) return true
    if ((await stat(join(path, name))).isDirectory() && (await hasMbox(join(path, name)))) return true
  }
  return false
}

/** Files of a directory, and of those below it; what is no mbox has no messages, and makes no mailbox. */
async function* mboxesIn(root: string, prefix: string): AsyncGenerator<IncomingMailbox> {
  for (const name of await namesIn(join(root, prefix))) {
    const path = join(root, prefix, name)
    const found = await stat(path)
    if (found.isDirectory()) yield* mboxesIn(root, join(prefix, name))
    else if (name.endsWith(MBOX_END)) yield { name: nameOf(join(prefix, name.slice(0, -5))), messages: readMbox(path) }
  }
}

function nameOfFile(path: string): string {
  const name = basename(path).replace(/\.mbox$/i, '')
  return /^(?:mbox|inbox)$/i.test(name) ? 'INBOX' : nameOf(name)
}

async function mailboxNamed(
  mail: MailStore,
  account: AccountId,
  name: string,
  { onSkipped }: ImportOptions,
): Promise<Mailbox | undefined> {
  try {
    return await mail.mailbox(account, newName(name))
  } catch (error) {
    if (codeOf(error) === 'INVALID' || codeOf(error) === 'LIMIT_REACHED') {
      await onSkipped({ source: name, text: (error as Error).message })
      return undefined
    }
    if (codeOf(error) !== 'MAILBOX_NOT_FOUND') throw error
  }
  const made = await mail.createMailbox(account, name)
  await mail.setSubscribed(account, name, true)
  return made
}

interface ImportParts {
  readonly store: StoreContext
  readonly mail: MailStore
  readonly account: AccountId
  readonly mailbox: Mailbox
  readonly options: ImportOptions
  readonly sum: { imported: number; present: number; skipped: number }
}

class MailboxImport {
  readonly #parts: ImportParts
  #present: PresentMessages | undefined
  #waiting: NewMessage[] = []
  #waitingBytes = 0

  constructor(parts: ImportParts) {
    this.#parts = parts
  }

  async run(incoming: IncomingMailbox): Promise<void> {
    const { mail, account, mailbox, options, sum } = this.#parts
    this.#present = await PresentMessages.of(mail, account, mailbox)
    for await (const message of incoming.messages) {
      options.signal?.throwIfAborted()
      await this.#take(message)
      if (this.#waiting.length >= BATCH || this.#waitingBytes >= BATCH_BYTES) await this.#commit()
      const done = sum.imported + sum.present + sum.skipped + this.#waiting.length
      options.onProgress?.({ phase: `messages, ${mailbox.name}`, done })
    }
    await this.#commit()
  }

  async #take(message: IncomingMessage): Promise<void> {
    const { store, options, sum } = this.#parts
    const indexer = new MessageIndexer()
    const digest = createHash('sha256')
    const lines = new ToCrlf()
    const sink = new Sink(store)
    try {
      for await (const piece of message.octets) {
        const octets = lines.convert(piece)
        indexer.write(octets)
        digest.update(octets)
        await sink.write(octets)
        if (sink.size > options.maxBytes)
          throw new MailError('TOO_LARGE', `it has more than ${options.maxBytes} octets`)
      }
    } catch (error) {
      await sink.abort()
      const isOwn = error instanceof MailError && error.code !== 'TOO_LARGE'
      if (isOwn || options.signal?.aborted) throw error
      // A file that is gone or cannot be read keeps no other from coming in.
      return this.#skip(message, (error as Error).message)
    }
    const index = indexer.finish()
    if (index.size === 0) {
      await sink.abort()
      return this.#skip(message, 'it is empty')
    }
    if (await this.#present?.take({ sha256: digest.digest('hex'), size: index.size })) {
      await sink.abort()
      sum.present += 1
      return
    }
    const { internalDate } = message
    this.#waiting.push({ blob: await sink.finish(), index, flags: possible(message.flags), internalDate })
    this.#waitingBytes += index.size
  }

  async #skip({ source }: IncomingMessage, text: string): Promise<void> {
    this.#parts.sum.skipped += 1
    await this.#parts.options.onSkipped({ source, text })
  }

  async #commit(): Promise<void> {
    const { store, mail, account, mailbox, sum } = this.#parts
    const messages = this.#waiting
    if (messages.length === 0) return
    this.#waiting = []
    this.#waitingBytes = 0
    try {
      await mail.append(account, mailbox.id, messages)
    } catch (error) {
      // Whoever else may have come to need them is asked by the collector.
      if (codeOf(error) === 'OVER_QUOTA') await letGo(store, messages)
      throw error
    }
    sum.imported += messages.length
  }
}

async function letGo(store: StoreContext, messages: readonly NewMessage[]): Promise<void> {
  await store.engine.transactRelaxed([], async (tx) => {
    for (const { blob } of messages) tx.put(blobDeadKey(store.clock.now(), blob), Buffer.alloc(0))
  })
}

/** Keeps a small message in memory, and writes a large one as it comes. */
class Sink {
  readonly #store: StoreContext
  #pieces: Buffer[] = []
  #writer: Awaited<ReturnType<StoreContext['blobs']['writer']>> | undefined
  size = 0

  constructor(store: StoreContext) {
    this.#store = store
  }

  async write(octets: Buffer): Promise<void> {
    this.size += octets.length
    if (this.#writer !== undefined) return this.#writer.write(octets)
    this.#pieces.push(octets)
    if (this.size <= MAX_WHOLE_BYTES) return
    this.#writer = await this.#store.blobs.writer()
    for (const piece of this.#pieces) await this.#writer.write(piece)
    this.#pieces = []
  }

  async finish(): Promise<BlobRef> {
    if (this.#writer !== undefined) return this.#writer.finish()
    return this.#store.blobs.write(Buffer.concat(this.#pieces))
  }

  async abort(): Promise<void> {
    await this.#writer?.abort()
  }
}

/** Flags that no message can have are left out. */
function possible(flags: readonly string[]): readonly string[] {
  return flags.filter((flag) => {
    try {
      parseFlags([flag])
      return true
    } catch {
      return false
    }
  })
}
