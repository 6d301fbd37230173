import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Directory, Resolution } from '../directory/directory.ts'
import { codeOf } from '../errors/mail-error.ts'
import { type Address, formatAddress } from '../mail/address.ts'
import type { MessageIndex } from '../mail/message-index.ts'
import type { BlobRef, BlobStore } from '../store/blob-store.ts'
import type { Transaction } from '../store/engine.ts'
import type { JourneyEvent, JourneySubject, Journeys } from '../store/journey.ts'
import type { LocalDelivery, PlannedDelivery } from '../store/local-delivery.ts'
import type { AccountId } from '../store/mail-store.ts'
import type { StoredRecipient } from './layout.ts'
import type { ReportKind } from './outcome.ts'
import type { Attempt, MessageId, QueueMessage } from './queue.ts'

export interface ReportedRecipient {
  readonly entry: StoredRecipient
  readonly attempt: Attempt
}

/** What a report says; how it looks (RFC 3464) is the composer's affair. */
export interface ReportContent {
  readonly kind: ReportKind
  readonly to: Address
  readonly message: QueueMessage
  readonly recipients: readonly ReportedRecipient[]
  /** Id of the report itself. */
  readonly id: MessageId
  readonly at: number
  /** What is returned of the message: all of it, or at least its header section. */
  readonly returned: Buffer
}

export interface ReportsParts {
  readonly blobs: BlobStore
  readonly directory: Directory
  readonly localDelivery: LocalDelivery
  readonly journeys: Journeys
  readonly compose: (content: ReportContent) => Buffer
  readonly index: (message: Buffer) => MessageIndex
  /** Queues a report to a sender elsewhere. */
  readonly enqueueIn: (tx: Transaction, message: QueueMessage, to: readonly Address[]) => void
}

/** Reports that are made and stored, waiting for the commit that they belong to. */
export interface PreparedReports {
  readonly scopes: readonly string[]
  /** Are these the reports about exactly this? Entries may have changed since they were made. */
  isAbout(wanted: Wanted): boolean
  /** Delivers or queues them. @returns events for the journey of the message that is reported about */
  commitIn(tx: Transaction): Promise<readonly JourneyEvent[]>
  /** The commit did not come about. */
  discard(): Promise<void>
  /** The same after the mailbox would not take it: nobody is told, and the journey says why. */
  refused(error: Error): PreparedReports
}

type Wanted = ReadonlyMap<ReportKind, readonly ReportedRecipient[]>

interface Report {
  readonly id: MessageId
  readonly kind: ReportKind
  readonly blob: BlobRef
  readonly queued: QueueMessage
  readonly delivery: PlannedDelivery | undefined
  /** Who gets it of ours, by account. */
  readonly owners: ReadonlyMap<AccountId, string>
  readonly forward: readonly Address[]
  /** Why nobody gets it. */
  readonly undeliverable: string | undefined
}

/** RFC 3461 section 6.2 lets us return less than the whole of a message that is too large to send back. */
export const MAX_RETURNED_BYTES = 1024 * 1024
const MAX_HEADER_BYTES = 256 * 1024

/** Reports to senders: composed, stored, and delivered in the commit that they tell of. */
export class Reports {
  readonly #parts: ReportsParts

  constructor(parts: ReportsParts) {
    this.#parts = parts
  }

  /** @throws MailError UNAVAILABLE, STORE_FULL: then nothing is left behind */
  async prepare(message: QueueMessage, wanted: Wanted, at: number): Promise<PreparedReports> {
    const { journeys } = this.#parts
    const reports: Report[] = []
    const discard = async () => {
      await Promise.all(reports.map(({ blob }) => this.#parts.blobs.release(blob).catch(() => {})))
    }
    try {
      for (const [kind, recipients] of wanted) reports.push(await this.#make(kind, message, recipients, at))
    } catch (error) {
      await discard()
      throw error
    }
    const about = fingerprint(wanted)
    return {
      scopes: reports.flatMap(({ delivery }) => delivery?.scopes ?? []),
      isAbout: (now) => fingerprint(now) === about,
      discard,
      refused: (error) => {
        const text = `the sender cannot be told: ${error.message}`
        const nothing = async () => {}
        const commitIn = async () => [{ at, step: 'report', text }]
        const isAbout = (now: Wanted) => fingerprint(now) === about
        const again: PreparedReports = { scopes: [], isAbout, discard: nothing, commitIn, refused: () => again }
        return again
      },
      commitIn: async (tx) => {
        const events: JourneyEvent[] = []
        const to = formatAddress(message.envelope.sender as Address)
        for (const report of reports) {
          if (report.undeliverable === undefined) {
            journeys.beginIn(tx, subjectOf(report, to), [
              { at, step: 'report', text: `a report (${report.kind}) about ${message.id} to ${to}` },
              ...(await this.#sendIn(tx, report, at)),
            ])
            events.push({ at, step: 'report', text: `${to} is told (${report.kind}) by ${report.id}` })
          } else {
            events.push({ at, step: 'report', text: `${to} cannot be told (${report.kind}): ${report.undeliverable}` })
            tx.afterCommit(() => void this.#parts.blobs.release(report.blob).catch(() => {}))
          }
        }
        return events
      },
    }
  }

  /** @returns where it went, for its own journey */
  async #sendIn(tx: Transaction, { delivery, owners, queued, forward }: Report, at: number): Promise<JourneyEvent[]> {
    const stored = (await delivery?.commitIn(tx)) ?? []
    if (forward.length > 0) this.#parts.enqueueIn(tx, queued, forward)
    return [
      ...stored.map(({ account, mailbox, uid }) => ({
        at,
        step: 'stored',
        text: `in a mailbox of ${owners.get(account) ?? account}`,
        detail: { mailbox, uid },
      })),
      ...forward.map((address) => ({ at, step: 'queued', text: `for ${formatAddress(address)}` })),
    ]
  }

  async #make(
    kind: ReportKind,
    message: QueueMessage,
    recipients: readonly ReportedRecipient[],
    at: number,
  ): Promise<Report> {
    const { blobs, directory, localDelivery, compose, index } = this.#parts
    const to = message.envelope.sender as Address
    const id = newMessageId(at)
    const resolution = await directory.resolve(to)
    const returned = await this.#returned(kind, message)
    const bytes = compose({ kind, to, message, recipients, id, at, returned })
    // Composing parses and copies; a burst of bounces must not hold up the sessions.
    await nextTurn()
    const returnPath = Buffer.from('Return-Path: <>\r\n')
    const stored = Buffer.concat([returnPath, bytes])
    const indexed = index(stored)
    const blob = await blobs.write(stored)
    try {
      await blobs.durable(blob)
      const { smtpUtf8 } = message.envelope
      const envelope = { sender: undefined, smtpUtf8, eightBit: bytes.some((octet) => octet > 0x7f), requireTls: false }
      const queued: QueueMessage = {
        id,
        envelope,
        blob,
        offset: returnPath.length,
        size: bytes.length,
        arrivedAt: at,
        isReport: true,
        ...(indexed.messageId !== undefined && { messageIdHeader: indexed.messageId }),
        ...(indexed.subject !== undefined && { subject: indexed.subject }),
      }
      const base = { id, kind, blob, queued, owners: ownersOf(resolution) }
      if (resolution.kind === 'remote') return { ...base, delivery: undefined, forward: [to], undeliverable: undefined }
      if (resolution.kind === 'unknown') return { ...base, ...NOWHERE, undeliverable: 'there is no such user' }
      const delivery =
        resolution.accounts.length === 0
          ? undefined
          : await localDelivery.plan({
              id,
              envelope,
              blob,
              index: indexed,
              receivedAt: at,
              isQuarantined: false,
              recipients: resolution.accounts.map(({ account, subaddress }) => ({
                account: account.id,
                address: formatAddress(to),
                ...(subaddress !== undefined && { subaddress }),
              })),
            })
      const isRefused = delivery !== undefined && delivery.refused.size === resolution.accounts.length
      if (isRefused && resolution.forward.length === 0) {
        return { ...base, ...NOWHERE, undeliverable: [...delivery.refused.values()][0]?.message ?? 'it was refused' }
      }
      return {
        ...base,
        delivery: isRefused ? undefined : delivery,
        forward: resolution.forward,
        undeliverable: undefined,
      }
    } catch (error) {
      await blobs.release(blob).catch(() => {})
      throw error
    }
  }

  /** RFC 3461 section 4.3: RET counts for failures alone; all other reports return the header section. */
  #returned(kind: ReportKind, message: QueueMessage): Promise<Buffer> {
    const start = message.offset ?? 0
    const isFull = kind === 'failed' && message.envelope.returnContent === 'full' && message.size <= MAX_RETURNED_BYTES
    const length = isFull ? message.size : Math.min(message.size, MAX_HEADER_BYTES)
    // A sender is told of a message even when its bytes are damaged: perhaps that is why it failed.
    return this.#parts.blobs.read(message.blob, { start, end: start + length }).catch((error) => {
      if (codeOf(error) === 'CORRUPT' || codeOf(error) === 'NOT_FOUND') return Buffer.alloc(0)
      throw error
    })
  }
}

const subjectOf = ({ id, queued: { messageIdHeader } }: Report, to: string): JourneySubject => ({
  id,
  sender: '<>',
  recipients: [to],
  ...(messageIdHeader !== undefined && { messageIdHeader }),
})

function ownersOf(resolution: Resolution): ReadonlyMap<AccountId, string> {
  const accounts = resolution.kind === 'local' ? resolution.accounts : []
  return new Map(accounts.map(({ account: { id, address } }) => [id, formatAddress(address)]))
}

const NOWHERE = { delivery: undefined, forward: [] } as const

function fingerprint(wanted: Wanted): string {
  const parts = [...wanted].map(([kind, recipients]) => [
    kind,
    recipients.map(({ entry, attempt }) => [entry.index, attempt.status, attempt.text]),
  ])
  return JSON.stringify(parts)
}

/** Ids sort by time, so that the queue lists in order of arrival. */
function newMessageId(at: number): MessageId {
  return `${at.toString(36).padStart(9, '0')}-${randomBytes(9).toString('base64url')}` as MessageId
}
