import type { Account } from '../directory/directory.ts'
import { type Connection, connectionOpened, helo, type SmtpSession } from '../kernel/moments.ts'
import type { Decision } from '../kernel/run-hooks.ts'
import { type Address, formatAddress } from '../mail/address.ts'
import type { Recipient } from '../mail/envelope.ts'
import { senderText } from '../queue/queue.ts'
import { OK, REFUSED, type Refusal, refusalFor, refusalText } from './answers.ts'
import type { IntakeCore } from './core.ts'
import { Disposition } from './disposition.ts'
import {
  type Answer,
  answerOf,
  type IntakeRole,
  type IntakeSession,
  type MailParameters,
  type Receipt,
} from './intake.ts'
import { decideMailFrom } from './mail-from.ts'
import { newMessageId } from './message-id.ts'
import { decideRcptTo } from './rcpt-to.ts'
import { receiveMessage } from './receive.ts'
import { recordRefused } from './record-refused.ts'
import { Trace } from './trace.ts'
import { Transaction } from './transaction.ts'

/** Refused recipients that a journey can be found by. */
const MAX_REFUSED = 100

/** One session of a peer: what it said so far, and the transaction that is open. */
export class CoreSession implements IntakeSession {
  readonly #core: IntakeCore
  readonly #role: IntakeRole
  #connection: Connection
  #helo: { readonly name: string; readonly isExtended: boolean } | undefined
  #account: Account | undefined
  #transaction: Transaction | undefined
  readonly #opening: Trace
  #greeting: Trace
  #openingDisposition = new Disposition()
  #greetingDisposition = new Disposition()

  constructor(core: IntakeCore, connection: Connection, role: IntakeRole) {
    this.#core = core
    this.#role = role
    this.#connection = connection
    this.#opening = new Trace(core.clock)
    this.#greeting = new Trace(core.clock)
    const { remoteAddress, remotePort, protocol, id } = connection
    // RFC 5321 section 4.4 has the peer's name beside its address; a mail client's says nothing to anybody.
    if (role === 'mx') core.reverseNames.expect(remoteAddress)
    const peer = remoteAddress === '' ? 'a local socket' : `${remoteAddress}:${remotePort}`
    this.#opening.add('connection', `${protocol} from ${peer}`, { detail: { session: id } })
    if (connection.tls !== undefined) this.#traceTls(this.#opening, connection.tls)
  }

  opened(): Promise<Answer> {
    const decided = this.#core.run.verdict(connectionOpened, { connection: this.#connection })
    return this.#guard(
      'connection',
      decided.then((decision) => this.#settle(decision, this.#opening, this.#openingDisposition)),
    )
  }

  helo(name: string, options: { extended: boolean } = { extended: true }): Promise<Answer> {
    this.#end()
    this.#helo = { name, isExtended: options.extended }
    this.#greeting = new Trace(this.#core.clock)
    this.#greetingDisposition = new Disposition()
    this.#greeting.add('helo', name)
    const decided = this.#core.run.verdict(helo, { session: this.#view(), name })
    return this.#guard(
      'helo',
      decided.then((decision) => this.#settle(decision, this.#greeting, this.#greetingDisposition)),
    )
  }

  secured(tls: { version: string; cipher: string }): void {
    this.#end()
    this.#connection = { ...this.#connection, tls }
    this.#helo = undefined
    this.#account = undefined
    this.#greeting = new Trace(this.#core.clock)
    this.#greetingDisposition = new Disposition()
    this.#traceTls(this.#opening, tls)
  }

  authenticated(account: Account, mechanism: string): void {
    this.#account = account
    this.#greeting.add('auth', `${formatAddress(account.address)} by ${mechanism}`)
  }

  async mailFrom(sender: Address | undefined, parameters: MailParameters): Promise<Answer> {
    if (this.#transaction !== undefined) return REFUSED.nested
    const before = [...this.#opening.events, ...this.#greeting.events]
    const trace = new Trace(this.#core.clock, before)
    const transaction = new Transaction(newMessageId(this.#core.clock.now()), sender, parameters, trace)
    transaction.disposition.include(this.#greetingDisposition)
    transaction.disposition.include(this.#openingDisposition)
    trace.add('mail-from', senderText(sender))
    this.#transaction = transaction
    const answer = await this.#guard('mail-from', decideMailFrom(this.#core, this.#role, this.#view(), transaction))
    if (!answer.ok) {
      this.#note(transaction, 'mail-from', answer)
      this.#end()
    }
    return answer
  }

  async rcptTo(recipient: Recipient): Promise<Answer> {
    const transaction = this.#transaction
    if (transaction === undefined) return REFUSED.noTransaction
    const answer = await this.#guard(
      'rcpt-to',
      decideRcptTo(this.#core, this.#role, this.#view(), transaction, recipient),
    )
    const to = formatAddress(recipient.address)
    if (answer.ok) {
      transaction.trace.add('rcpt-to', to)
    } else {
      if (transaction.refusedRecipients.length < MAX_REFUSED) transaction.refusedRecipients.push(to)
      this.#note(transaction, 'rcpt-to', answer, to)
    }
    return answer
  }

  async receive(source: AsyncIterable<Buffer>, isOversized: () => boolean): Promise<Receipt> {
    const transaction = this.#transaction
    this.#transaction = undefined
    if (transaction === undefined || transaction.taken.length === 0) {
      await drain(source)
      return {
        id: transaction?.id ?? '',
        answer: transaction === undefined ? REFUSED.noTransaction : REFUSED.noRecipients,
      }
    }
    const way = {
      role: this.#role,
      session: this.#view(),
      isExtended: this.#helo?.isExtended ?? true,
      isOversized,
      transaction,
    }
    return receiveMessage(this.#core, way, source)
  }

  reset(): void {
    this.#end()
  }

  closed(): void {
    this.#end()
  }

  /** Ends the open transaction; when something of it was refused, that is told by its journey. */
  #end(): void {
    const transaction = this.#transaction
    this.#transaction = undefined
    if (transaction?.hasRefusal) recordRefused(this.#core, transaction)
  }

  #view(): SmtpSession {
    const account = this.#account
    return {
      connection: this.#connection,
      helo: this.#helo?.name,
      account: account === undefined ? undefined : { id: account.id, address: account.address },
    }
  }

  #settle(decision: Decision, trace: Trace, disposition: Disposition): Answer {
    trace.hooks(decision.outcomes)
    const answer = answerOf(decision.verdict)
    if (!answer.ok) return answer
    disposition.take(decision)
    return OK
  }

  #note(transaction: Transaction, step: string, answer: Refusal, subject?: string): void {
    transaction.hasRefusal = true
    transaction.trace.add(step, `${subject === undefined ? '' : `${subject}: `}${refusalText(answer)}`)
    const { id, remoteAddress } = this.#connection
    this.#core.log.info(
      { session: id, message: transaction.id, remoteAddress, step, subject, answer: refusalText(answer) },
      'refused',
    )
  }

  /** RFC 5321 section 4.2.1: what we cannot tell is no "no". */
  #guard(step: string, decision: Promise<Answer>): Promise<Answer> {
    return decision.catch((error) => {
      this.#core.log.error({ session: this.#connection.id, step, err: error }, 'a session could not be served')
      return refusalFor(error)
    })
  }

  #traceTls(trace: Trace, { version, cipher }: { version: string; cipher: string }): void {
    trace.add('tls', `${version} ${cipher}`)
  }
}

async function drain(source: AsyncIterable<Buffer>): Promise<void> {
  try {
    for await (const _ of source) {
      // Read to its end, so that the peer can be answered.
    }
  } catch {
    // The peer is gone: there is nobody to answer.
  }
}
