import type { ReplyWriter } from 'mailserver'
import type { Reply } from './wire/reply.ts'

const END_OF_LINES = '.\r\n'
/** Lines that are written together. */
const LINES_LENGTH = 8 * 1024

/**
 * Writes a reply, as fast as the client reads.
 * @throws PeerGone; and what the store throws in the middle of a message, when nothing but closing is left to say so
 */
export async function sendReply(writer: ReplyWriter, { status, lines, octets }: Reply): Promise<void> {
  try {
    await writer.write(`${status}\r\n`)
    if (lines !== undefined) {
      let text = ''
      for (const line of lines) {
        text += `${line}\r\n`
        if (text.length < LINES_LENGTH) continue
        await writer.write(text)
        text = ''
      }
      await writer.write(text + END_OF_LINES)
    }
    if (octets !== undefined) {
      for (let chunk = await octets.next(); !chunk.done; chunk = await octets.next()) await writer.write(chunk.value)
      await writer.write(END_OF_LINES)
      octets.sent?.()
    }
  } finally {
    await octets?.return()
  }
}
