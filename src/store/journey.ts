import { defineService } from '../kernel/service.ts'
import type { Transaction } from './engine.ts'

/** One step of a message's way, from the connection to the last attempt. */
export interface JourneyEvent {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** `connection`, `helo`, `auth`, `mail-from`, `rcpt-to`, `received`, `hook`, `stored`, `queued`, `attempt`, `delivered`, `deferred`, `failed`, `report`, … */
  readonly step: string
  /** Plugin that acted, when one did. */
  readonly plugin?: string
  /** For a person: what happened, to whom, with which answer. Never a secret. */
  readonly text: string
  readonly detail?: Readonly<Record<string, string | number | boolean>>
}

/** What a journey can be found by. */
export interface JourneySubject {
  readonly id: string
  readonly messageIdHeader?: string
  readonly sender?: string
  readonly recipients: readonly string[]
}

export interface Journey {
  readonly subject: JourneySubject
  readonly events: readonly JourneyEvent[]
}

/** The journey of every message, kept for a configured time. */
export interface Journeys {
  /** Begins the journey inside the message's own commit: tracing costs no sync of its own. */
  beginIn(tx: Transaction, subject: JourneySubject, events: readonly JourneyEvent[]): void
  /** Adds to a journey inside the caller's transaction. */
  appendIn(tx: Transaction, id: string, events: readonly JourneyEvent[]): void
  /** A message that was refused leaves a journey too; written without waiting for the disk. */
  recordRefused(subject: JourneySubject, events: readonly JourneyEvent[]): void
  /** By id, Message-ID, or an address among sender and recipients; newest first. */
  find(query: string, limit?: number): Promise<readonly Journey[]>
}

export const journeys = defineService<Journeys>('core:journeys')
