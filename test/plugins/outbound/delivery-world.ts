import {
  type AttemptResult,
  type Claim,
  type MessageId,
  parseAddress,
  type QueueMessage,
  systemClock,
} from 'mailserver'
import { memoryBlobStore } from 'mailserver/testing'
import { ConnectionPool } from '../../../plugins/outbound/connection-pool.ts'
import { DeadHosts } from '../../../plugins/outbound/dead-hosts.ts'
import { Delivery, type SmarthostHop } from '../../../plugins/outbound/delivery.ts'
import { HostMemory } from '../../../plugins/outbound/host-memory.ts'
import type { Timeouts } from '../../../plugins/outbound/open-session.ts'
import { OwnAddresses } from '../../../plugins/outbound/own-addresses.ts'
import { Handlers } from '../../../src/kernel/handlers.ts'
import type { AnyHook } from '../../../src/kernel/hook.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { createHookRunner } from '../../../src/kernel/run-hooks.ts'
import type { Envelope, Recipient } from '../../../src/mail/envelope.ts'
import { fakeDns, type Zone } from './fake-dns.ts'

export interface DeliveryOptions {
  /** Port of servers found by MX. */
  readonly port?: number
  readonly zones?: Readonly<Record<string, Zone>>
  readonly smarthost?: SmarthostHop
  readonly timeouts?: Partial<Timeouts>
  readonly attemptMs?: number
  readonly maxMessages?: number
  readonly idleMs?: number
  readonly deadHostMs?: number
  readonly on?: (add: (hook: AnyHook, handle: (...args: never[]) => unknown) => void) => void
}

type To = string | (Omit<Recipient, 'address'> & { to: string; route?: string })

interface From {
  readonly body?: string | Buffer
  /** null: the null reverse-path. */
  readonly sender?: string | null
  readonly envelope?: Partial<Envelope>
  readonly offset?: number
}

const X_TEST: Readonly<Record<string, Zone>> = { 'x.test': { mx: [[10, 'mx.test']] }, 'mx.test': { a: ['127.0.0.1'] } }

/** The delivery of the plugin with a message or two, without a queue. */
export function deliveryWorld(options: DeliveryOptions) {
  const blobs = memoryBlobStore()
  const handlers = new Handlers()
  options.on?.((hook, handle) =>
    handlers.add(hook, {
      plugin: 'test',
      stage: 'policy',
      order: 'normal',
      timeoutMs: 1000,
      handle: handle as (...args: unknown[]) => unknown,
    }),
  )
  const timeouts = { connect: 2000, greeting: 2000, command: 2000, data: 2000, ...options.timeouts }
  const pool = new ConnectionPool({
    maxMessages: options.maxMessages ?? 100,
    idleMs: options.idleMs ?? 1000,
    client: { heloName: 'mail.home.test', timeouts },
    clock: systemClock,
  })
  const dead = new DeadHosts(systemClock, options.deadHostMs ?? 60_000)
  const brokenTls = new HostMemory(systemClock)
  const delivery = new Delivery({
    relay: { pool, clock: systemClock, dead, brokenTls },
    mx: {
      dns: fakeDns(options.zones ?? X_TEST),
      ownNames: new Set(['mail.home.test']),
      ownAddresses: new OwnAddresses([], { allowLoopback: true, interfaces: [] }),
      preferIpv6: false,
      random: () => 0,
    },
    blobs,
    run: createHookRunner({ handlers, log: silentLog }),
    clock: systemClock,
    log: silentLog,
    smarthost: options.smarthost,
    port: options.port ?? 1,
    attemptMs: options.attemptMs ?? 10_000,
  })
  let count = 0
  const address = (text: string) => {
    const parsed = parseAddress(text)
    if (parsed === undefined) throw new Error(`${text} is no address`)
    return parsed
  }
  const world = {
    blobs,
    pool,
    dead,
    async claim(to: readonly To[], from: From = {}): Promise<Claim> {
      const body = Buffer.from(from.body ?? 'Subject: hello\r\n\r\nhello\r\n')
      const offset = from.offset ?? 0
      const message: QueueMessage = {
        id: `m${++count}` as MessageId,
        envelope: {
          sender: from.sender === null ? undefined : address(from.sender ?? 'alice@home.test'),
          smtpUtf8: false,
          eightBit: false,
          requireTls: false,
          ...from.envelope,
        },
        blob: await blobs.write(body),
        offset,
        size: body.length - offset,
        arrivedAt: 0,
        isReport: false,
      }
      const recipients = to.map((one, index) => {
        const { to: text, route, ...rest } = typeof one === 'string' ? { to: one } : one
        const recipient = { address: address(text), ...rest }
        const base = { message: message.id, index, recipient, state: 'delivering' as const, attempts: 0 }
        return { ...base, dueAt: 0, expiresAt: 1, ...(route !== undefined && { route }) }
      })
      return { message, destination: recipients[0]?.recipient.address.domain ?? '', recipients }
    },
    attempt: (claim: Claim, stop = new AbortController().signal) => delivery.attempt(claim, stop),
    /** Sends one message and tells what came of each recipient: `delivered 2.0.0`. */
    async send(to: readonly To[], from: From = {}): Promise<string[]> {
      return words(await world.attempt(await world.claim(to, from)))
    },
    [Symbol.dispose]: () => pool.close(),
  }
  return world
}

export const words = (results: ReadonlyMap<number, AttemptResult>): string[] =>
  [...results].sort(([a], [b]) => a - b).map(([, { kind, attempt }]) => `${kind} ${attempt.status}`)
