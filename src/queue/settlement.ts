import { codeOf } from '../errors/mail-error.ts'
import type { Log } from '../kernel/log.ts'
import { formatAddress } from '../mail/address.ts'
import { unlinkIn } from '../store/blob-links.ts'
import type { Engine, Transaction } from '../store/engine.ts'
import type { JourneyEvent, Journeys } from '../store/journey.ts'
import { type Announce, removeEntry, replaceEntry } from './entries.ts'
import {
  blobOwner,
  decodeMessage,
  decodeRecipient,
  messageKey,
  messageScope,
  recipientKey,
  recipientsOf,
  type StoredRecipient,
} from './layout.ts'
import type { Outcome, ReportKind } from './outcome.ts'
import type { MessageId, QueueMessage } from './queue.ts'
import type { PreparedReports, ReportedRecipient, Reports } from './reports.ts'

export interface Settled {
  readonly message: QueueMessage
  readonly recipient: StoredRecipient
  readonly outcome: Outcome
}

export interface SettlementParts {
  readonly engine: Engine
  readonly journeys: Journeys
  readonly reports: Reports
  readonly log: Log
  readonly announce: Announce
}

/** Decides about one recipient; asked again when the entries changed meanwhile. undefined leaves it as it is. */
export type Decide = (stored: StoredRecipient, message: QueueMessage, canReport: boolean) => Outcome | undefined

/** What a settlement is asked for. */
export interface Settling {
  readonly id: MessageId
  /** Entries to decide about. */
  readonly indexes: readonly number[]
  /** For the blob's grace time. */
  readonly now: number
  readonly decide: Decide
  /** False when nothing is lost if the commit is: the entries are then tried once more. */
  readonly needsSync: boolean
}

/** How often entries may change under a settlement before it gives way to whoever changes them. */
const MAX_ROUNDS = 8

/** Thrown to leave the transaction: reports must be made first, which takes reads and writes outside of it. */
class ReportsNeeded extends Error {
  readonly message_: QueueMessage
  readonly wanted: ReadonlyMap<ReportKind, readonly ReportedRecipient[]>

  constructor(message: QueueMessage, wanted: ReadonlyMap<ReportKind, readonly ReportedRecipient[]>) {
    super('reports are needed')
    this.message_ = message
    this.wanted = wanted
  }
}

/**
 * Writes down what became of recipients of one message: entries that are done leave the queue, the reports about them
 * are delivered or queued, and the last one takes the message and its link to the blob with it. One commit.
 */
export class Settlement {
  readonly #parts: SettlementParts

  constructor(parts: SettlementParts) {
    this.#parts = parts
  }

  /**
   * Several by one commit.
   * @returns undefined for one that needs reports: nothing was written about it, it must be run by itself
   * @throws MailError UNAVAILABLE, STORE_FULL from the Engine: nothing was written
   */
  async runTogether(group: readonly Settling[]): Promise<readonly (readonly Settled[] | undefined)[]> {
    const { engine } = this.#parts
    const scopes = [...new Set(group.map(({ id }) => messageScope(id)))]
    const commit = async (tx: Transaction) => {
      const all: (readonly Settled[] | undefined)[] = []
      for (const settling of group) all.push(await this.#commit(tx, settling, true, undefined).catch(unlessReports))
      return all
    }
    const isSynced = group.some(({ needsSync }) => needsSync)
    return isSynced ? engine.transact(scopes, commit) : engine.transactRelaxed(scopes, commit)
  }

  /** @throws MailError UNAVAILABLE, STORE_FULL from the Engine: nothing was written */
  async run(settling: Settling): Promise<readonly Settled[]> {
    const { id, now } = settling
    const { engine, reports, log } = this.#parts
    let prepared: PreparedReports | undefined
    let canReport = true
    for (let round = 0; ; round++) {
      try {
        const scopes = [messageScope(id), ...(prepared?.scopes ?? [])]
        const commit = (tx: Transaction) => this.#commit(tx, settling, canReport, prepared)
        const isSynced = settling.needsSync || prepared !== undefined
        return await (isSynced ? engine.transact(scopes, commit) : engine.transactRelaxed(scopes, commit))
      } catch (error) {
        const isRefusedReport = prepared !== undefined && codeOf(error) === 'OVER_QUOTA'
        // After any other error of the Engine the reports stay: a commit whose end is not known may refer to them.
        if (isRefusedReport || error instanceof ReportsNeeded) await prepared?.discard()
        const refused = isRefusedReport ? prepared?.refused(error as Error) : undefined
        prepared = refused
        if (refused !== undefined) continue
        if (!(error instanceof ReportsNeeded) || round >= MAX_ROUNDS) throw error
        try {
          prepared = await reports.prepare(error.message_, error.wanted, now)
        } catch (err) {
          log.error({ err, message: id }, 'a report could not be made; the message stays in the queue')
          canReport = false
        }
      }
    }
  }

  async #commit(
    tx: Transaction,
    { id, indexes, now, decide }: Settling,
    canReport: boolean,
    prepared: PreparedReports | undefined,
  ): Promise<readonly Settled[]> {
    const [messageBytes, ...values] = await tx.getMany([
      messageKey(id),
      ...indexes.map((index) => recipientKey(id, index)),
    ])
    if (messageBytes === undefined) return []
    const message = decodeMessage(messageBytes)
    const settled: Settled[] = []
    for (const value of values) {
      const recipient = value === undefined ? undefined : decodeRecipient(value)
      const outcome = recipient === undefined ? undefined : decide(recipient, message, canReport)
      if (recipient !== undefined && outcome !== undefined) settled.push({ message, recipient, outcome })
    }
    const wanted = reportsAbout(settled)
    if (wanted.size > 0 && prepared?.isAbout(wanted) !== true) throw new ReportsNeeded(message, wanted)

    const { announce, journeys } = this.#parts
    let leaving = 0
    for (const { recipient, outcome } of settled) {
      if (isUnchanged(recipient, outcome)) continue
      if ('next' in outcome) {
        replaceEntry(tx, recipient, outcome.next, announce)
      } else {
        removeEntry(tx, recipient)
        leaving += 1
      }
    }
    if (leaving > 0 && (leaving === message.recipientCount || (await isEmpty(tx, id)))) {
      tx.delete(messageKey(id))
      unlinkIn(tx, message.blob, blobOwner(id), now)
    }
    const events = settled.flatMap(({ recipient, outcome }) => eventOf(recipient, outcome, now))
    const reported = (await prepared?.commitIn(tx)) ?? []
    if (events.length > 0) journeys.appendIn(tx, id, [...events, ...reported])
    return settled
  }
}

const isUnchanged = (stored: StoredRecipient, outcome: Outcome): boolean => 'next' in outcome && outcome.next === stored

function unlessReports(error: unknown): undefined {
  if (!(error instanceof ReportsNeeded)) throw error
}

async function isEmpty(tx: Transaction, id: MessageId): Promise<boolean> {
  for await (const batch of tx.scan({ ...recipientsOf(id), limit: 1 })) {
    if (batch.length > 0) return false
  }
  return true
}

function reportsAbout(settled: readonly Settled[]): Map<ReportKind, ReportedRecipient[]> {
  const wanted = new Map<ReportKind, ReportedRecipient[]>()
  for (const { message, recipient, outcome } of settled) {
    if (!('report' in outcome) || outcome.report === undefined) continue
    // RFC 5321 section 4.5.5: nothing is reported to the null reverse-path, and never about a report.
    if (message.isReport || message.envelope.sender === undefined) continue
    const about = wanted.get(outcome.report) ?? []
    about.push({ entry: recipient, attempt: outcome.attempt })
    wanted.set(outcome.report, about)
  }
  return wanted
}

function eventOf(recipient: StoredRecipient, outcome: Outcome, at: number): JourneyEvent[] {
  if (outcome.kind === 'put-off' || isUnchanged(recipient, outcome)) return []
  const who = formatAddress(recipient.recipient.address)
  if (outcome.kind === 'changed') return [{ at, step: 'operator', text: `${who}: ${outcome.text}` }]
  if (outcome.kind === 'removed') return [{ at, step: 'removed', text: `${who}: removed by the operator` }]
  const { attempt } = outcome
  const where = attempt.remote === undefined ? '' : ` ${attempt.remote}:`
  const tls = attempt.tls === undefined ? {} : { tls: attempt.tls }
  const detail = { recipient: who, status: attempt.status, ms: attempt.ms, ...tls }
  return [{ at, step: outcome.kind, text: `${who}:${where} ${attempt.text}`, detail }]
}
