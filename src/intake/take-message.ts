import { hopCount } from '../mail/header.ts'
import { MessageIndexer } from '../mail/index-message.ts'
import type { MessageIndex } from '../mail/message-index.ts'
import type { AccountId } from '../store/mail-store.ts'
import { REFUSED, type Refusal } from './answers.ts'
import { Coalescer } from './coalesce.ts'
import type { IntakeCore } from './core.ts'
import { HeaderCollector } from './header-collector.ts'
import { headerText } from './header-text.ts'
import { RefusedSource } from './intake.ts'
import type { MessageSpool } from './message-spool.ts'
import { fromAddresses, missingFields } from './submission-header.ts'

/** A message that is here in full. */
export interface TakenMessage {
  readonly index: MessageIndex
  /** Without its empty line. */
  readonly header: Buffer
}

export interface TakeRules {
  readonly id: string
  /** The account that submits it; undefined when it is relayed to us. */
  readonly submitter: AccountId | undefined
}

/**
 * Reads the message once: its header is looked at before anything is written, the rest goes to the spool and the indexer
 * as it comes. Always reads the source to its end, so that the peer can be answered.
 * @throws SourceEnded, RefusedSource of the source, and MailError of the BlobStore
 */
export async function takeMessage(
  core: IntakeCore,
  source: AsyncIterable<Buffer>,
  spool: MessageSpool,
  rules: TakeRules,
): Promise<TakenMessage | Refusal> {
  const intake = new MessageReader(core, spool, rules)
  const small = new Coalescer()
  const iterator = source[Symbol.asyncIterator]()
  try {
    for (let chunk = await nextOf(iterator); chunk !== undefined; chunk = await nextOf(iterator)) {
      for (const ready of small.push(chunk)) await intake.push(ready)
    }
    for (const ready of small.end()) await intake.push(ready)
  } catch (error) {
    // Nobody reads on: the source must not hold what it has.
    await iterator.return?.()
    throw error
  }
  return intake.end()
}

/** The peer's octets ended before the message did. */
export class SourceEnded extends Error {}

async function nextOf(iterator: AsyncIterator<Buffer>): Promise<Buffer | undefined> {
  try {
    const { value, done } = await iterator.next()
    return done === true ? undefined : value
  } catch (cause) {
    throw cause instanceof RefusedSource ? cause : new SourceEnded('the peer left', { cause })
  }
}

const SPACE = 32
const TAB = 9
const EMPTY_LINE = Buffer.from('\r\n')

class MessageReader {
  readonly #core: IntakeCore
  readonly #spool: MessageSpool
  readonly #rules: TakeRules
  readonly #indexer = new MessageIndexer()
  #collector: HeaderCollector | undefined
  #header: Buffer = Buffer.alloc(0)
  #refusal: Refusal | undefined

  constructor(core: IntakeCore, spool: MessageSpool, rules: TakeRules) {
    this.#core = core
    this.#spool = spool
    this.#rules = rules
    this.#collector = new HeaderCollector(core.options.headerBytes)
  }

  async push(chunk: Buffer): Promise<void> {
    if (this.#refusal !== undefined) return
    if (this.#collector === undefined) return this.#keep(chunk)
    const found = this.#collector.push(chunk)
    if (found === 'more') return
    if (found === 'too-large') {
      this.#refusal = REFUSED.headerTooLarge
      return
    }
    await this.#begin(found.header)
    await this.#keep(found.rest)
  }

  async end(): Promise<TakenMessage | Refusal> {
    if (this.#collector !== undefined && this.#refusal === undefined) await this.#begin(this.#collector.all())
    if (this.#refusal !== undefined) return this.#refusal
    await this.#spool.finish()
    return { index: this.#indexer.finish(), header: withoutEmptyLine(this.#header) }
  }

  async #begin(received: Buffer): Promise<void> {
    this.#collector = undefined
    this.#refusal = await this.#objection(received)
    if (this.#refusal !== undefined) return
    const { id, submitter } = this.#rules
    const { hostname } = this.#core.server
    // A first line that begins with a blank would go on with the field that we put above it: it is no header, but text.
    const isHeader = received[0] !== SPACE && received[0] !== TAB
    const own = isHeader ? received : EMPTY_LINE
    const added = submitter === undefined ? [] : missingFields(own, { id, hostname, at: this.#core.clock.now() })
    this.#header = Buffer.concat([headerText(added), own])
    await this.#keep(isHeader ? this.#header : Buffer.concat([this.#header, received]))
  }

  async #objection(header: Buffer): Promise<Refusal | undefined> {
    const { options, directory } = this.#core
    if (hopCount(header) > options.maxHops) return REFUSED.loop
    const { submitter } = this.#rules
    if (submitter === undefined || !options.checkFrom) return undefined
    for (const address of fromAddresses(header)) {
      if (address === undefined || !(await directory.maySendAs(submitter, address))) return REFUSED.fromNotTheirs
    }
    return undefined
  }

  async #keep(chunk: Buffer): Promise<void> {
    const { messageBytes } = this.#core.server.limits
    if (this.#refusal !== undefined || chunk.length === 0) return
    // The protocol counts as well; this keeps the store safe from one that does not.
    if (messageBytes > 0 && this.#spool.size + chunk.length > messageBytes + this.#core.options.headerBytes) {
      this.#refusal = REFUSED.tooLarge
      return
    }
    this.#indexer.write(chunk)
    await this.#spool.write(chunk)
  }
}

function withoutEmptyLine(header: Buffer): Buffer {
  if (header.length === 2) return header.subarray(0, 0)
  return header.subarray(-4).equals(Buffer.from('\r\n\r\n')) ? header.subarray(0, -2) : header
}
