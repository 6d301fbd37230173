import { isUtf8 } from 'node:buffer'
import type { Account, IntakeSession, Log, Sasl, SaslChannel, SaslExchange } from 'mailserver'
import { COMMANDS } from './commands.ts'
import type { Dialog, Profile } from './dialog.ts'
import { FAULT, replyOf } from './reply-for.ts'
import { BadData } from './wire/bad-data.ts'
import type { StreamFault } from './wire/command-stream.ts'
import type { MessageSource } from './wire/message-source.ts'
import { CLOSE, type Reply, reply } from './wire/reply.ts'

const ACCEPTED = reply(250, '2.0.0', 'Ok')
const VERB = /^([A-Za-z]{1,20})(?:[ \t](.*))?$/s
/** A web page made a browser post to us: what follows is not for us, and may be somebody's secret. */
const HTTP = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|TRACE|PATCH|CONNECT) .*HTTP\/\d/i

const STREAM_FAULTS = {
  'too-long': reply(500, '5.5.2', 'Line too long'),
  'bare-newline': reply(521, '5.5.2', 'Bare CR or LF is refused: lines end in CRLF', CLOSE),
} as const satisfies Record<StreamFault, Reply>

/** The state of one session: lines in, replies out. Writes to no socket. */
export class Session implements Dialog {
  readonly profile: Profile
  readonly intake: IntakeSession
  readonly #sasl: Sasl
  #channel: SaslChannel
  hello: Dialog['hello']
  account: Account | undefined
  transaction: Dialog['transaction']
  authFailures = 0
  readonly #log: Log
  #take: ((line: Buffer) => Promise<Reply>) | undefined
  #errors = 0
  #junk = 0

  constructor(options: { profile: Profile; intake: IntakeSession; sasl: Sasl; channel: SaslChannel; log: Log }) {
    this.profile = options.profile
    this.intake = options.intake
    this.#sasl = options.sasl
    this.#channel = options.channel
    this.#log = options.log
  }

  get isTls(): boolean {
    return this.#channel.tls !== undefined
  }

  get saslMechanisms(): readonly string[] {
    return this.#sasl.mechanisms(this.#channel)
  }

  startSasl(mechanism: string): SaslExchange | undefined {
    return this.#sasl.start(mechanism, this.#channel)
  }

  /** RFC 5321 section 3.1: the greeting, or why there is none. */
  async open(): Promise<Reply> {
    const { hostname, role, banner } = this.profile
    const answer = await this.intake.opened()
    const greeting = `${hostname} ${role === 'lmtp' ? 'LMTP' : 'ESMTP'}${banner === '' ? '' : ` ${banner}`}`
    if (answer.ok) return reply(220, undefined, greeting)
    // RFC 5321 section 4.3.2: in place of the greeting there is 421 for now and 554 for good, whatever the check would say later.
    return reply(answer.reply < 500 ? 421 : 554, answer.code, answer.text, CLOSE)
  }

  /** Answers one line. Never rejects. */
  async handle(line: Buffer): Promise<Reply> {
    const take = this.#take
    this.#take = undefined
    let answer: Reply
    try {
      answer = await (take === undefined ? this.#command(line) : take(line))
    } catch (err) {
      this.#log.error({ err }, 'a command could not be answered')
      answer = FAULT
    }
    if (answer.after?.kind === 'line') this.#take = answer.after.take
    return this.#counted(answer)
  }

  /** Answers what is no line; an exchange that waited for one is over (RFC 4954 section 4). */
  fault(kind: StreamFault): Reply {
    this.#take = undefined
    return this.#counted(STREAM_FAULTS[kind])
  }

  /** Takes the message that follows DATA. One reply; in LMTP one for each recipient (RFC 2033 section 4.2). */
  async message(source: MessageSource, isOversized: () => boolean): Promise<readonly Reply[]> {
    try {
      const { answer, perRecipient } = await this.intake.receive(source, isOversized)
      if (answer.ok) {
        this.#errors = 0
        this.#junk = 0
      }
      const replies = (perRecipient ?? [answer]).map((one) => replyOf(one, ACCEPTED))
      // Where the next command begins is anybody's guess.
      const isLost = source.fault instanceof BadData && source.fault.fault === 'bare-newline'
      if (!isLost) return replies
      return replies.map((one) => ({ ...one, after: CLOSE }))
    } catch (err) {
      this.#log.error({ err }, 'a message could not be taken')
      return [FAULT]
    } finally {
      this.transaction = undefined
    }
  }

  /** RFC 3207 section 4.2: all that was said before is forgotten. */
  secured(channel: SaslChannel, tls: { version: string; cipher: string }): void {
    this.#channel = channel
    this.hello = undefined
    this.account = undefined
    this.transaction = undefined
    this.intake.secured(tls)
  }

  #command(line: Buffer): Reply | Promise<Reply> {
    // RFC 6531 section 3.4: what is not ASCII is UTF-8.
    if (!isUtf8(line)) return reply(500, '5.5.2', 'Command not recognized')
    const text = line.toString('utf8')
    const match = VERB.exec(text.trimEnd())
    const command = match === null ? undefined : COMMANDS.get((match[1] as string).toUpperCase())
    if (command === undefined) {
      if (HTTP.test(text)) return reply(421, '4.7.0', 'This is no web server', CLOSE)
      return reply(500, '5.5.2', 'Command not recognized')
    }
    if (command.isJunk) this.#junk += 1
    if (command.needsHello && this.hello === undefined) {
      return reply(503, '5.5.1', `Say ${this.profile.role === 'lmtp' ? 'LHLO' : 'EHLO'} first`)
    }
    return command.run(this, match?.[2] ?? '')
  }

  /** RFC 5321 section 4.2.1 and 7.8: whoever only tries has to go. */
  #counted(answer: Reply): Reply {
    const { errors, junkCommands } = this.profile.limits
    if (answer.code >= 500) this.#errors += 1
    if (answer.after?.kind === 'close' || answer.after?.kind === 'quit') return answer
    if (this.#errors > errors) return reply(421, '4.7.0', 'Too many errors', CLOSE)
    if (this.#junk > junkCommands) return reply(421, '4.7.0', 'Too many commands without a message', CLOSE)
    return answer
  }
}
