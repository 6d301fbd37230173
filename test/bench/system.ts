import type { Histogram } from './support/histogram.ts'

/** A mail server under test, ours or a peer, with everything of its own in private places. */
export interface System extends AsyncDisposable {
  /** `ours`, or the name of the peer's file. */
  readonly name: string
  /** With its version. */
  readonly title: string
  /** What is on disk when it answers 250 or OK, and by which setting. */
  readonly durability: string
  readonly ports: Ports
  /** Processes that it was started as; all their descendants are its own. */
  pids(): readonly number[]
  /** What it has answered with 250 is in its mailbox within a moment: the clock may stop before that is looked at. */
  readonly storesWithReply?: boolean
  /** Messages that are really in the INBOXes of these accounts, by STATUS or by counting files. */
  stored(accounts: readonly number[]): Promise<number>
  /** Recipients that wait in its queue; undefined where it cannot be asked cheaply. */
  queued?(): Promise<number>
  /** How long durable commits took since it was started, seconds; where the system tells. */
  commitTimes?(): Promise<Histogram>
  /** Tries everything in the queue again, now. */
  flush?(): Promise<void>
  /** Ends it and starts it again on the same data. */
  restart(options?: RestartOptions): Promise<void>
}

export interface RestartOptions {
  /** Drop what the server derived from messages since they arrived (caches of headers), as before the first reader came. */
  readonly forgetCaches?: boolean
}

/** Ports of 127.0.0.1; absent where the system does not speak the protocol. IMAPS and POP3S speak TLS from the first byte. */
export interface Ports {
  readonly smtp?: number
  /** STARTTLS and AUTH. */
  readonly submission?: number
  readonly imaps?: number
  readonly pop3s?: number
}

/** What a scenario asks of a system when it is started. */
export interface Need {
  /** Accounts `1u@…` to `<n>u@…`, all with the password `secret`. */
  readonly accounts: number
  /** Port of 127.0.0.1 that everything for other domains is handed to. */
  readonly relayPort?: number
  /** Worker threads of ours. @default 1 */
  readonly workers?: number | 'auto'
  /** Ours indexes the text of its mail (plugins/fts). */
  readonly isIndexed?: boolean
  /** Directory with the data, kept between runs; one of its own, gone at the end, when absent. */
  readonly dataDir?: string
  /** Only to put data in: what makes that quicker may be switched, since nothing is measured. */
  readonly isFilling?: boolean
  /** Profile the processor of ours into this directory. */
  readonly profileDir?: string
}

export interface SystemKind {
  readonly name: string
  /** What it needs of the machine, when that is not there: the reason by which it is reported. */
  unavailable?(): Promise<string | undefined>
  start(need: Need): Promise<System>
}

export const DOMAIN = 'bench.test'
/** Nobody here has mailboxes of it. */
export const ELSEWHERE = 'elsewhere.test'
export const PASSWORD = 'secret'

/** The n-th account, from 1, spelled as `smtp-source -N` counts. */
export const addressOf = (n: number): string => `${n}u@${DOMAIN}`

/** The numbers from 1 to n. */
export const accountsTo = (n: number): number[] => Array.from({ length: n }, (_, at) => at + 1)
