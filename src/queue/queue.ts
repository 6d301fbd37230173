import { defineService } from '../kernel/service.ts'
import type { Address } from '../mail/address.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import type { BlobRef } from '../store/blob-store.ts'
import type { Transaction } from '../store/engine.ts'

/** Id of a message, given with its first byte and kept to its last attempt: the journey's id. */
export type MessageId = string & { readonly __message: true }

export interface QueueMessage {
  readonly id: MessageId
  readonly envelope: Omit<Envelope, 'recipients'>
  readonly blob: BlobRef
  /**
   * First octet of the blob that is sent; 0 when absent. What lies before it is for the copies in our own mailboxes:
   * the Return-Path, which is added at final delivery alone (RFC 5321 section 4.4).
   */
  readonly offset?: number
  /** Octets that are sent: from `offset` to the blob's end. Received and the like are in the blob already. */
  readonly size: number
  readonly arrivedAt: number
  /** Is this a report of ours? Then its failure is reported to nobody. */
  readonly isReport: boolean
  readonly messageIdHeader?: string
  readonly subject?: string
}

export type RecipientState = 'waiting' | 'held' | 'delivering'

/** One remote recipient of a queued message: the unit that is tried, retried, held and bounced. */
export interface QueueRecipient {
  readonly message: MessageId
  /** 0-based place in the envelope; with the message's id it names the entry: `<message>/<index>`. */
  readonly index: number
  readonly recipient: Recipient
  readonly state: RecipientState
  readonly attempts: number
  /** When it is tried next, milliseconds since the epoch. */
  readonly dueAt: number
  readonly expiresAt: number
  readonly lastAttempt?: Attempt
  readonly delayReportedAt?: number
  /** Next hop chosen by an operator or a route instead of MX, e.g. `smtps://gw.example:465`. */
  readonly route?: string
}

/** What one try came to. */
export interface Attempt {
  readonly at: number
  readonly ms: number
  /** Host that was spoken to, `mx1.example.net [192.0.2.1]:25`; absent when none was reached. */
  readonly remote?: string
  /** Enhanced status code, e.g. `4.4.1` (RFC 3463). */
  readonly status: string
  /** The remote's own words, or ours when there was no remote. */
  readonly text: string
  readonly tls?: string
}

export type AttemptResult =
  | {
      readonly kind: 'delivered'
      readonly attempt: Attempt
      /** The next hop took over the request to report success (RFC 3461 section 5.2.1): we report nothing. */
      readonly isDsnPassedOn?: boolean
    }
  | {
      readonly kind: 'deferred'
      readonly attempt: Attempt
      readonly retryAfterMs?: number
      /** No server was asked, since all are known to be away: it is put off, and no attempt is counted. */
      readonly isUntried?: boolean
    }
  | { readonly kind: 'failed'; readonly attempt: Attempt }

/** Recipients of one message that go to one destination together. Held by one worker until it settles or its lease ends. */
export interface Claim {
  readonly message: QueueMessage
  /** Domain, or route, that all of them share. */
  readonly destination: string
  readonly recipients: readonly QueueRecipient[]
}

/** Which entries a command means; all that are given must match. Empty matches everything. */
export interface QueueFilter {
  readonly id?: string
  readonly domain?: string
  readonly recipient?: string
  readonly sender?: string
  readonly state?: RecipientState
}

export interface QueueEntry {
  readonly message: QueueMessage
  readonly recipient: QueueRecipient
}

/** Messages on their way to other servers, in the same store as the mailboxes. */
export interface Queue {
  /**
   * Puts remote recipients into the queue inside the caller's transaction (intake's commit). No scope is needed:
   * a new message's keys are nobody else's.
   */
  enqueueIn(
    tx: Transaction,
    message: QueueMessage,
    recipients: readonly { recipient: Recipient; route?: string }[],
  ): void
  /**
   * What is due now, at most `limit` claims, destinations in turns: of each the oldest first, and new mail beside what
   * has waited long. Destinations in `busy` are passed over.
   * @param room how many claims a destination may get; as many as there are when left out
   */
  claim(limit: number, busy: ReadonlySet<string>, room?: (destination: string) => number): Promise<readonly Claim[]>
  /**
   * Writes down what the attempt came to for each recipient: delivered and failed ones leave the queue, deferred ones
   * get their next time, or fail when they have none left. Reports (bounces, delay warnings, success) are made and
   * committed together with it. One commit; on disk when it resolves.
   */
  settle(claim: Claim, results: ReadonlyMap<number, AttemptResult>): Promise<void>
  /** Gives the claim back untouched: the server drains, or the destination is paused. */
  unclaim(claim: Claim): Promise<void>
  /** Resolves when something may be due: a new message, a retry, a release; or when the signal fires. */
  nextDue(signal: AbortSignal): Promise<void>

  // For operators. Each returns the number of entries it changed. An entry that is being delivered at the moment is
  // marked and counted; what was asked for is done when the attempt ends, unless it delivers the message.
  list(
    filter: QueueFilter,
    page?: { after?: string; limit?: number },
  ): Promise<{ entries: readonly QueueEntry[]; next?: string }>
  count(filter: QueueFilter): Promise<number>
  /** Due at once, also what is put off again by an attempt in progress. */
  retry(filter: QueueFilter): Promise<number>
  hold(filter: QueueFilter): Promise<number>
  release(filter: QueueFilter): Promise<number>
  /** Gives up at once and tells the sender. */
  bounce(filter: QueueFilter, reason?: string): Promise<number>
  /** Gives up and tells nobody. */
  remove(filter: QueueFilter): Promise<number>
  /** Sends by another next hop, e.g. `smtps://gw.example:465`; undefined: by MX again. Due at once. */
  reroute(filter: QueueFilter, route: string | undefined): Promise<number>
  /** Stops all attempts, or those to one destination, until resumed; kept over a restart. */
  pause(destination?: string): Promise<void>
  resume(destination?: string): Promise<void>
  paused(): Promise<{ readonly all: boolean; readonly destinations: readonly string[] }>

  /**
   * Calls back whenever an operator, through any worker, is about to make entries due: what was learned about servers
   * that were away is out of date. Returns the function that takes it back.
   */
  onRetry(listener: () => void): () => void
}

export const queue = defineService<Queue>('core:queue')

/** When to try again, when to warn, when to give up. */
export interface RetrySchedule {
  /** Waits after the 1st, 2nd, … failed attempt, milliseconds; the last repeats. */
  readonly delaysMs: readonly number[]
  /** Each wait is spread by up to this part of itself, 0 to 1. */
  readonly jitter: number
  readonly lifetimeMs: number
  /** A delay is reported to the sender once, after this time. */
  readonly warnAfterMs: number
}

/** The sender's address as queue filters and reports print it: `<>` for the null reverse-path. */
export const senderText = (sender: Address | undefined): string =>
  sender === undefined ? '<>' : `${sender.local}@${sender.domain}`
