import {
  type AttemptResult,
  type BlobStore,
  type Claim,
  type Clock,
  type HookRunner,
  type Log,
  type QueueRecipient,
  relayAttempt,
  routeChosen,
} from 'mailserver'
import { addressesOf, hostsFor, type MxParts } from './mx.ts'
import { parseNextHop } from './next-hop.ts'
import { type HopSettings, Relay, type RelayParts } from './relay.ts'
import { deferred, failed, type Verdict } from './reply.ts'
import type { Outgoing } from './transaction.ts'

/** The configured next hop of everything, credentials revealed. */
export interface SmarthostHop extends HopSettings {
  readonly host: string
}

export interface DeliveryParts {
  readonly relay: RelayParts
  readonly mx: MxParts
  readonly blobs: BlobStore
  readonly run: HookRunner
  readonly clock: Clock
  readonly log: Log
  readonly smarthost: SmarthostHop | undefined
  /** Port of servers found by MX. */
  readonly port: number
  readonly attemptMs: number
}

type Results = Map<number, AttemptResult>

const EXPIRED = Symbol('expired')

/** One attempt at a claim: asks the hooks, finds the way of each recipient, and goes it. */
export class Delivery {
  readonly #parts: DeliveryParts

  constructor(parts: DeliveryParts) {
    this.#parts = parts
  }

  /**
   * @param stop breaks off what can be broken off without doubt; those recipients have no result
   * @returns the result of each recipient, by index; never rejects for a fault of the way
   */
  async attempt(claim: Claim, stop: AbortSignal): Promise<Results> {
    const { clock, attemptMs, log } = this.#parts
    const startedAt = clock.now()
    const results: Results = new Map()
    const expiry = new AbortController()
    const cancel = clock.after(attemptMs, () => expiry.abort(EXPIRED))
    const signal = AbortSignal.any([stop, expiry.signal])
    try {
      const verdict = await this.#asked(claim, signal)
      if (verdict !== undefined) {
        this.#all(claim.recipients, verdict, startedAt, results)
        return results
      }
      for (const [route, recipients] of await this.#routes(claim, signal)) {
        if (signal.aborted) break
        await this.#go(claim, route, recipients, signal, results)
      }
    } catch (err) {
      if (stop.aborted) return results
      log.error({ err, message: claim.message.id }, 'an attempt broke; the message stays in the queue')
      const rest = claim.recipients.filter(({ index }) => !results.has(index))
      this.#all(rest, deferred('4.3.0', 'Temporary local problem'), startedAt, results)
    } finally {
      cancel()
    }
    return results
  }

  /** What the hooks say before anything is tried. */
  async #asked({ message, destination, recipients }: Claim, signal: AbortSignal): Promise<Verdict | undefined> {
    const { verdict } = await this.#parts.run.verdict(
      relayAttempt,
      {
        message: message.id,
        destination,
        sender: message.envelope.sender,
        recipients: recipients.map(({ recipient }) => recipient.address),
      },
      signal,
    )
    if (verdict.action === 'defer') return deferred(verdict.code, verdict.text)
    return verdict.action === 'reject' ? failed(verdict.code, verdict.text) : undefined
  }

  /** Recipients by next hop; undefined: the MX of the domain, or the smarthost. */
  async #routes(claim: Claim, signal: AbortSignal): Promise<Map<string | undefined, QueueRecipient[]>> {
    const routes = new Map<string | undefined, QueueRecipient[]>()
    const { sender } = claim.message.envelope
    for (const entry of claim.recipients) {
      const { address } = entry.recipient
      const chosen =
        entry.route ?? (await this.#parts.run.resolve(routeChosen, { sender, recipient: address }, signal))?.route
      routes.set(chosen, [...(routes.get(chosen) ?? []), entry])
    }
    return routes
  }

  async #go(
    claim: Claim,
    route: string | undefined,
    recipients: readonly QueueRecipient[],
    signal: AbortSignal,
    results: Results,
  ): Promise<void> {
    const { mx, smarthost, port, relay, clock } = this.#parts
    const hop = route === undefined ? smarthost : namedHop(route)
    if (route !== undefined && hop === undefined) {
      this.#all(
        recipients,
        deferred('4.3.5', `The route ${withoutSecrets(route)} is no next hop`),
        clock.now(),
        results,
      )
      return
    }
    const settings: HopSettings = hop ?? { port, tls: 'opportunistic', verify: false }
    const one = new Relay(relay, this.#outgoing(claim), recipients, settings, signal)
    const domain = recipients[0]?.recipient.address.domain ?? claim.destination
    const hosts = hop === undefined ? await hostsFor(domain, mx) : await addressesOf(hop.host, mx)
    await one.run(hosts)
    if (signal.reason === EXPIRED) one.expire(`The attempt took longer than ${this.#parts.attemptMs / 1000} s`)
    for (const [index, result] of one.results) results.set(index, result)
  }

  #outgoing({ message }: Claim): Outgoing {
    const start = message.offset ?? 0
    const range = { start, end: start + message.size }
    const { blobs } = this.#parts
    return {
      message,
      open: () => blobs.stream(message.blob, range),
      read: () => blobs.read(message.blob, range),
    }
  }

  #all(recipients: readonly QueueRecipient[], verdict: Verdict, at: number, results: Results): void {
    const attempt = { at, ms: this.#parts.clock.now() - at, status: verdict.status, text: verdict.text }
    const kind = verdict.kind === 'failed' ? 'failed' : 'deferred'
    for (const { index } of recipients) results.set(index, { kind, attempt })
  }
}

/** A route is shown in lists and logs: one with credentials in it is not taken. */
function namedHop(route: string): SmarthostHop | undefined {
  const hop = parseNextHop(route)
  if (hop === undefined || hop.user !== undefined) return undefined
  const { host, port, tls } = hop
  return { host, port, tls, verify: tls === 'starttls' || tls === 'implicit' }
}

const withoutSecrets = (route: string): string => route.replace(/\/\/[^/]*@/, '//…@')
