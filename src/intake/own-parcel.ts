import { formatAddress } from '../mail/address.ts'
import type { Envelope } from '../mail/envelope.ts'
import { indexMessage } from '../mail/index-message.ts'
import { receivedField, returnPathField } from '../mail/received.ts'
import { type MessageId, senderText } from '../queue/queue.ts'
import type { JourneyEvent } from '../store/journey.ts'
import type { IntakeCore } from './core.ts'
import { findDestinations } from './destinations.ts'
import { Disposition } from './disposition.ts'
import type { Parcel } from './parcel.ts'
import { Trace } from './trace.ts'
import type { Taken } from './transaction.ts'

/**
 * Stores a message of our own making and finds where it goes; undefined when nobody of its recipients exists. Whoever
 * calls commits the parcel or releases its blob.
 * @throws MailError UNAVAILABLE, STORE_FULL
 */
export async function ownParcel(
  core: IntakeCore,
  own: { id: MessageId; envelope: Envelope; message: Buffer; isReport: boolean; about: string },
): Promise<Parcel | undefined> {
  const { id, envelope, message, isReport } = own
  const trace = new Trace(core.clock)
  trace.add(isReport ? 'report' : 'received', own.about)
  const taken: Taken[] = []
  for (const recipient of envelope.recipients) {
    const resolution = await core.directory.resolve(recipient.address)
    if (resolution.kind === 'unknown') trace.add('failed', `${formatAddress(recipient.address)}: there is no such user`)
    else taken.push({ recipient, resolution, disposition: new Disposition() })
  }
  if (taken.length === 0) return undefined
  const destinations = await findDestinations(core, envelope.sender, taken, new Disposition(), trace)
  const at = core.clock.now()
  const returnPath = returnPathField(envelope.sender)
  const received = receivedField({
    by: core.server.hostname,
    protocol: 'ESMTP',
    isAuthenticated: false,
    smtpUtf8: envelope.smtpUtf8,
    id,
    recipients: taken.map(({ recipient }) => recipient.address),
    at,
  })
  const bytes = Buffer.concat([returnPath, received, withCrlf(message)])
  const index = indexMessage(bytes)
  const events: readonly JourneyEvent[] = trace.events
  const { recipients: _, ...rest } = envelope
  return {
    id,
    envelope: { ...rest, eightBit: rest.eightBit || index.eightBitBody === true },
    blob: await core.blobs.write(bytes),
    index,
    offset: returnPath.length,
    receivedAt: at,
    isReport,
    destinations,
    subject: {
      id,
      sender: senderText(envelope.sender),
      recipients: envelope.recipients.map(({ address }) => formatAddress(address)),
      ...(index.messageId !== undefined && { messageIdHeader: index.messageId }),
    },
    events,
  }
}

/** What a plugin made may have the line ends of its file; no server takes those (RFC 5321 section 2.3.8). */
function withCrlf(message: Buffer): Buffer {
  const text = message.toString('latin1')
  return /\r(?!\n)|(?<!\r)\n/.test(text) ? Buffer.from(text.replace(/\r\n|\r|\n/g, '\r\n'), 'latin1') : message
}
