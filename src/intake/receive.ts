import type { ReceivedMessage, SmtpSession } from '../kernel/moments.ts'
import { Slots } from '../kernel/slot.ts'
import type { Envelope } from '../mail/envelope.ts'
import type { MessageIndex } from '../mail/message-index.ts'
import { receivedField, returnPathField } from '../mail/received.ts'
import { senderText } from '../queue/queue.ts'
import type { AccountId } from '../store/mail-store.ts'
import { OK, REFUSED, type Refusal, refusalFor, refusalText } from './answers.ts'
import type { IntakeCore } from './core.ts'
import { deliver } from './deliver.ts'
import { RedirectedNowhere } from './destinations.ts'
import { type Answer, type IntakeRole, type Receipt, RefusedSource } from './intake.ts'
import { judge } from './judge.ts'
import { type Above, MessageSpool } from './message-spool.ts'
import { recordRefused } from './record-refused.ts'
import { SourceEnded, takeMessage } from './take-message.ts'
import type { Transaction } from './transaction.ts'

/** Everything that is known when DATA begins. */
export interface Way {
  readonly role: IntakeRole
  readonly session: SmtpSession
  readonly isExtended: boolean
  readonly isOversized: () => boolean
  readonly transaction: Transaction
}

/** Takes the message, asks the hooks, commits. Never throws; leaves nothing behind of what is not accepted. */
export async function receiveMessage(core: IntakeCore, way: Way, source: AsyncIterable<Buffer>): Promise<Receipt> {
  const { transaction, role } = way
  const above = fieldsAbove(core, way)
  const { blobs, budget, options, metrics, clock } = core
  const spool = new MessageSpool({ blobs, budget, holdBytes: options.holdBytes, above })
  const began = clock.now()
  let answers: readonly Answer[] | Refusal
  try {
    answers = await process(core, way, source, spool, above)
  } catch (error) {
    answers = refusalOf(core, transaction, error)
  } finally {
    await spool.discard()
  }
  metrics.seconds.observe((clock.now() - began) / 1000, { role })
  return 'ok' in answers ? refused(core, way, answers) : accepted(core, way, answers, spool.size)
}

async function process(
  core: IntakeCore,
  way: Way,
  source: AsyncIterable<Buffer>,
  spool: MessageSpool,
  above: Above,
): Promise<readonly Answer[] | Refusal> {
  const { transaction, session, role } = way
  const { id, sender, parameters, taken, trace } = transaction
  const submitter = role === 'submission' ? (session.account?.id as AccountId | undefined) : undefined
  const message = await takeMessage(core, source, spool, { id, submitter })
  if (way.isOversized()) return REFUSED.tooLarge
  if ('ok' in message) return message
  const { index, header } = message
  trace.add('received', `${spool.size} octets`, {
    detail: { size: spool.size, ...(index.messageId !== undefined && { messageId: index.messageId }) },
  })
  const envelope: Envelope = {
    sender,
    recipients: taken.map(({ recipient }) => recipient),
    smtpUtf8: parameters.smtpUtf8,
    // What it is counts on its way out, whatever was announced (RFC 6152 section 3).
    eightBit: parameters.eightBit || isEightBit(index, parameters.smtpUtf8),
    requireTls: parameters.requireTls,
    ...(parameters.returnContent !== undefined && { returnContent: parameters.returnContent }),
    ...(parameters.envelopeId !== undefined && { envelopeId: parameters.envelopeId }),
  }
  const received: ReceivedMessage = {
    id,
    session,
    envelope,
    index,
    size: spool.size,
    header,
    open: () => spool.open(),
    slots: new Slots(),
  }
  const before = transaction.disposition
  const judgement = await judge(core, received, before, trace)
  if ('ok' in judgement) return judgement
  return deliver(core, { role, transaction, envelope, above, index, judgement, spool })
}

/** A header in UTF-8 is SMTPUTF8's business; where that was not said it is 8-bit content like any other. */
function isEightBit({ eightBitHeader, eightBitBody }: MessageIndex, smtpUtf8: boolean): boolean {
  return eightBitBody === true || (eightBitHeader === true && !smtpUtf8)
}

function accepted(core: IntakeCore, way: Way, answers: readonly Answer[], size: number): Receipt {
  const { role, session, transaction } = way
  const { id, sender, taken } = transaction
  core.metrics.messages.add(1, { role, outcome: 'accepted' })
  core.metrics.bytes.add(size, { role })
  const facts = { session: session.connection.id, sender: senderText(sender), recipients: taken.length, size }
  core.log.info({ message: id, ...facts }, 'message accepted')
  const text = `Accepted as ${id}`
  const worded = answers.map((answer): Answer => (answer.ok ? { ok: true, text } : answer))
  const answer = worded.find(({ ok }) => ok) ?? worded[0] ?? OK
  return { id, answer, ...(role === 'lmtp' && { perRecipient: worded }) }
}

function refused(core: IntakeCore, { role, session, transaction }: Way, answer: Refusal): Receipt {
  const { id, taken, trace } = transaction
  core.metrics.messages.add(1, { role, outcome: answer.reply < 500 ? 'deferred' : 'rejected' })
  trace.add('refused', refusalText(answer))
  recordRefused(core, transaction)
  const facts = { session: session.connection.id, answer: refusalText(answer) }
  core.log.info({ message: id, ...facts }, 'message refused')
  return { id, answer, ...(role === 'lmtp' && { perRecipient: taken.map(() => answer) }) }
}

function fieldsAbove(core: IntakeCore, { role, session, isExtended, transaction }: Way): Above {
  const { id, sender, taken, parameters } = transaction
  const { remoteAddress } = session.connection
  const hostname = role === 'mx' ? core.reverseNames.of(remoteAddress) : undefined
  return {
    returnPath: returnPathField(sender),
    received: receivedField({
      from: {
        address: remoteAddress,
        ...(session.helo !== undefined && { helo: session.helo }),
        ...(hostname !== undefined && { hostname }),
      },
      by: core.server.hostname,
      protocol: role === 'lmtp' ? 'LMTP' : isExtended ? 'ESMTP' : 'SMTP',
      isAuthenticated: session.account !== undefined,
      smtpUtf8: parameters.smtpUtf8,
      id,
      recipients: taken.map(({ recipient }) => recipient.address),
      at: core.clock.now(),
      ...(session.connection.tls !== undefined && { tls: session.connection.tls }),
    }),
  }
}

function refusalOf(core: IntakeCore, { id, trace }: Transaction, error: unknown): Refusal {
  if (error instanceof SourceEnded) return REFUSED.vanished
  if (error instanceof RefusedSource) return error.answer
  core.log.error({ message: id, err: error }, 'a message could not be taken')
  trace.add('fault', error instanceof Error ? error.message : String(error))
  return error instanceof RedirectedNowhere ? REFUSED.badRedirect : refusalFor(error)
}
