import { type Attempt, type AttemptResult, type Clock, formatAddress, type QueueRecipient } from 'mailserver'
import type { ConnectionPool, Leased } from './connection-pool.ts'
import { type DeadHosts, HostAway } from './dead-hosts.ts'
import type { HostMemory } from './host-memory.ts'
import type { Hosts } from './mx.ts'
import type { Endpoint } from './open-session.ts'
import { deferred, failed, recipientVerdict, replyText, type Verdict, verdictOf } from './reply.ts'
import { BrokenTransaction, SmtpFault } from './smtp-fault.ts'
import { type Outgoing, transactionFor, unsendable } from './transaction.ts'

/** How the servers of a next hop are spoken to. */
export interface HopSettings extends Pick<Endpoint, 'port' | 'tls' | 'verify' | 'ca' | 'auth'> {}

export interface RelayParts {
  readonly pool: ConnectionPool
  readonly clock: Clock
  /** Hosts that could not be reached. */
  readonly dead: DeadHosts
  /** Hosts whose STARTTLS is broken. */
  readonly brokenTls: HostMemory
}

/** Addresses, and sessions, one attempt tries before it leaves the rest to the next attempt. */
const MAX_ADDRESSES = 10
const MAX_SESSIONS = 3

/** RFC 7435 section 3: what fails to encrypt is sent in clear; it is asked again after a while. */
const BROKEN_TLS_MS = 3_600_000

/** A server that took some of the recipients takes the others at once. */
const TOO_MANY_RETRY_MS = 1_000

/** What one server came to, for recipients that it did not decide about one by one. */
interface HostEnd {
  readonly verdict: Verdict
  readonly attempt: Attempt
  /** Another server may do better. */
  readonly mayGoOn: boolean
}

/**
 * Hands one message to the first of its servers that takes it. Each recipient ends with the last word said about it;
 * one without a result was not tried: the attempt was broken off before.
 */
export class Relay {
  readonly #parts: RelayParts
  readonly #outgoing: Outgoing
  readonly #settings: HopSettings
  readonly #signal: AbortSignal
  readonly #startedAt: number
  readonly results = new Map<number, AttemptResult>()
  #open: readonly QueueRecipient[]
  /** The last host that could not decide; a deferral outweighs a failure, since that host may yet take it. */
  #end: HostEnd | undefined
  /** When the first of the hosts that were passed over may be tried again; they are no attempt by themselves. */
  #awayUntil: number | undefined
  #isTried = false

  constructor(
    parts: RelayParts,
    outgoing: Outgoing,
    recipients: readonly QueueRecipient[],
    settings: HopSettings,
    signal: AbortSignal,
  ) {
    this.#parts = parts
    this.#outgoing = outgoing
    this.#settings = this.#secured(settings)
    this.#signal = signal
    this.#startedAt = parts.clock.now()
    this.#open = recipients
    for (const recipient of recipients) {
      const verdict = unsendable(outgoing, recipient)
      if (verdict !== undefined) this.#settle(recipient, verdict, this.#attempt(verdict))
    }
  }

  async run(found: Hosts): Promise<void> {
    if ('verdict' in found) {
      this.#settleAll(found.verdict, this.#attempt(found.verdict))
      return
    }
    let sessions = 0
    const addresses = found.hosts.flatMap(({ name, addresses }) => addresses.map((address) => ({ name, address })))
    for (const { name, address } of addresses.slice(0, MAX_ADDRESSES)) {
      if (this.#open.length === 0 || this.#signal.aborted || sessions >= MAX_SESSIONS) break
      const endpoint: Endpoint = { ...this.#settings, name, address }
      const end = await this.#try(endpoint)
      if (end === 'unreached') continue
      sessions += 1
      if (end !== undefined && !end.mayGoOn) break
    }
    if (this.#end === undefined || this.#isBrokenOff()) return
    if (this.#isTried || this.#awayUntil === undefined) this.#settleAll(this.#end.verdict, this.#end.attempt)
    else this.#putOff(this.#end.attempt, this.#awayUntil)
  }

  /** Sends what was left undecided back as deferred: the attempt took too long. */
  expire(text: string): void {
    const verdict = deferred('4.4.2', text)
    this.#settleAll(verdict, this.#attempt(verdict))
  }

  /** One server, one transaction; another on a new connection when a kept one had gone. */
  async #try(endpoint: Endpoint): Promise<HostEnd | 'unreached' | undefined> {
    for (;;) {
      let leased: Leased
      try {
        leased = await this.#parts.dead.reach(hostOf(endpoint), this.#signal, () => this.#connect(endpoint))
      } catch (fault) {
        if (fault instanceof HostAway) return this.#passOver(endpoint, fault)
        this.#isTried = true
        return this.#unconnected(endpoint, fault as Error)
      }
      this.#isTried = true
      const { client } = leased
      try {
        const unique = firstOfEach(this.#open)
        const prepared = await transactionFor(this.#outgoing, unique, client)
        if ('verdict' in prepared) {
          leased.giveBack()
          return this.#note(endpoint, prepared.verdict, isServersOwn(prepared.verdict), client.tls)
        }
        const { rejected, reply } = await client.send(prepared.transaction, this.#signal)
        leased.giveBack()
        return this.#decide(endpoint, rejected, reply, client.tls, client.extensions.has('DSN'))
      } catch (error) {
        client.close()
        if (!(error instanceof BrokenTransaction)) {
          return this.#note(endpoint, deferred('4.3.0', 'The message could not be read; it stays in the queue'), false)
        }
        if (leased.isReused && error.isUnanswered && !error.isLocal && !this.#signal.aborted) continue
        return this.#broken(endpoint, error, client.tls)
      }
    }
  }

  async #connect(endpoint: Endpoint): Promise<Leased> {
    const { pool, brokenTls } = this.#parts
    const isOpportunistic = endpoint.tls === 'opportunistic'
    const inClear: Endpoint = { ...endpoint, tls: 'none' }
    if (isOpportunistic && brokenTls.read(hostOf(endpoint)) !== undefined) return pool.take(inClear, this.#signal)
    try {
      return await pool.take(endpoint, this.#signal)
    } catch (fault) {
      if (!isOpportunistic || !(fault instanceof SmtpFault) || fault.phase !== 'tls') throw fault
      brokenTls.note(hostOf(endpoint), BROKEN_TLS_MS, fault.message)
      return pool.take(inClear, this.#signal)
    }
  }

  #passOver(endpoint: Endpoint, { message, until }: HostAway): 'unreached' {
    this.#awayUntil = Math.min(until, this.#awayUntil ?? until)
    const text = `${message} to ${remoteOf(endpoint)}; not tried again so soon`
    this.#note(endpoint, deferred('4.4.1', text), true)
    return 'unreached'
  }

  #putOff(attempt: Attempt, until: number): void {
    const retryAfterMs = Math.max(0, until - this.#parts.clock.now())
    for (const { index } of this.#open) {
      this.results.set(index, { kind: 'deferred', attempt, retryAfterMs, isUntried: true })
    }
    this.#open = []
  }

  #unconnected(endpoint: Endpoint, error: Error): HostEnd | 'unreached' {
    const fault = error instanceof SmtpFault ? error : new SmtpFault('session', error.message)
    if (fault.phase === 'connect') {
      const text = `${fault.message} to ${remoteOf(endpoint)}`
      this.#note(endpoint, deferred('4.4.1', text), true)
      return 'unreached'
    }
    if (fault.phase === 'tls') {
      const text = `TLS with ${remoteOf(endpoint)} failed: ${replyText(fault.reply ?? fault.message)}`
      const isRequired = this.#outgoing.message.envelope.requireTls
      return this.#note(endpoint, isRequired ? failed('5.7.10', text) : deferred('4.7.5', text), true)
    }
    if (fault.phase === 'auth') {
      const text = `Login at ${remoteOf(endpoint)} failed: ${replyText(fault.reply ?? fault.message)}`
      return this.#note(endpoint, deferred('4.7.0', text), false)
    }
    if (fault.reply === undefined) return this.#note(endpoint, deferred('4.4.2', fault.message), true)
    // A server that greets with 5xx takes no mail now, from us (RFC 5321 section 3.1); it says nothing of the recipient.
    const verdict = verdictOf(fault.reply, '3.2')
    const soft = verdict.kind === 'failed' ? deferred(`4${verdict.status.slice(1)}`, verdict.text) : verdict
    return this.#note(endpoint, soft, true)
  }

  #decide(
    endpoint: Endpoint,
    rejected: ReadonlyMap<string, string>,
    reply: string,
    tls: string | undefined,
    hasDsn: boolean,
  ): HostEnd | undefined {
    const verdict = verdictOf(reply, '0.0')
    const waiting: QueueRecipient[] = []
    let last: Verdict | undefined
    for (const recipient of this.#open) {
      const refusal = rejected.get(formatAddress(recipient.recipient.address))
      const own = refusal === undefined ? verdict : recipientVerdict(refusal)
      const attempt = this.#attempt(own, endpoint, tls)
      if (own.kind === 'delivered') {
        this.results.set(recipient.index, { kind: 'delivered', attempt, isDsnPassedOn: hasDsn })
      } else if (own.kind === 'failed') {
        this.results.set(recipient.index, { kind: 'failed', attempt })
      } else {
        // The next server may take it; when there is none, this is the last word.
        const isTooMany = own.status === '4.5.3' && verdict.kind === 'delivered'
        const soon = isTooMany ? { retryAfterMs: TOO_MANY_RETRY_MS } : {}
        this.results.set(recipient.index, { kind: 'deferred', attempt, ...soon })
        if (!isTooMany) waiting.push(recipient)
        last = own
      }
    }
    this.#open = waiting
    return last === undefined
      ? undefined
      : { verdict: last, attempt: this.#attempt(last, endpoint, tls), mayGoOn: true }
  }

  #broken(endpoint: Endpoint, error: BrokenTransaction, tls: string | undefined): HostEnd {
    const still: QueueRecipient[] = []
    for (const recipient of this.#open) {
      const refusal = error.rejected.get(formatAddress(recipient.recipient.address))
      const own = refusal === undefined ? undefined : recipientVerdict(refusal)
      if (own?.kind !== 'failed') still.push(recipient)
      else this.results.set(recipient.index, { kind: 'failed', attempt: this.#attempt(own, endpoint, tls) })
    }
    this.#open = still
    if (error.isLocal)
      return this.#note(endpoint, deferred('4.3.0', 'The message could not be read; it stays in the queue'), false)
    const text = `${error.message} in the middle of the message`
    if (!error.isUncertain) return this.#note(endpoint, deferred('4.4.2', text), true, tls)
    // To try it at the next server now would deliver it twice if this one has it.
    const unsure = deferred('4.4.2', `${error.message} before the answer to the message`)
    const end = this.#note(endpoint, unsure, false, tls)
    this.#settleAll(unsure, end.attempt)
    return end
  }

  #note(endpoint: Endpoint, verdict: Verdict, mayGoOn: boolean, tls?: string): HostEnd {
    const end = { verdict, attempt: this.#attempt(verdict, endpoint, tls), mayGoOn }
    if (this.#end?.verdict.kind !== 'deferred' || verdict.kind === 'deferred') this.#end = end
    return end
  }

  #settleAll(verdict: Verdict, attempt: Attempt): void {
    for (const recipient of this.#open) {
      // A server that answered about the recipient knows more than one that could not be reached after it.
      if (!this.results.has(recipient.index)) this.#settle(recipient, verdict, attempt)
    }
    this.#open = []
  }

  #settle(recipient: QueueRecipient, verdict: Verdict, attempt: Attempt): void {
    this.results.set(
      recipient.index,
      verdict.kind === 'failed' ? { kind: 'failed', attempt } : { kind: 'deferred', attempt },
    )
    this.#open = this.#open.filter((one) => one !== recipient)
  }

  #isBrokenOff(): boolean {
    return this.#signal.aborted
  }

  #attempt({ status, text }: Verdict, endpoint?: Endpoint, tls?: string): Attempt {
    return {
      at: this.#startedAt,
      ms: this.#parts.clock.now() - this.#startedAt,
      ...(endpoint !== undefined && { remote: remoteOf(endpoint) }),
      status,
      text,
      ...(tls !== undefined && { tls }),
    }
  }

  /** RFC 8689 section 4.2.1: TLS that is required is checked, wherever it goes. */
  #secured(settings: HopSettings): HopSettings {
    if (!this.#outgoing.message.envelope.requireTls) return settings
    return { ...settings, tls: settings.tls === 'implicit' ? 'implicit' : 'starttls', verify: true }
  }
}

/** Another server of the same domain may offer what this one lacks. */
function isServersOwn({ status }: Verdict): boolean {
  return status !== '5.3.4'
}

const hostOf = ({ address, port }: Endpoint): string => `${address} ${port}`

const remoteOf = ({ name, address, port }: Endpoint): string => `${name} [${address}]:${port}`

/** An address that stands twice among the recipients is sent to once. */
function firstOfEach(recipients: readonly QueueRecipient[]): QueueRecipient[] {
  const seen = new Map<string, QueueRecipient>()
  for (const recipient of recipients) {
    const address = formatAddress(recipient.recipient.address)
    if (!seen.has(address)) seen.set(address, recipient)
  }
  return [...seen.values()]
}
