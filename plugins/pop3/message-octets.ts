import { downgraded } from './downgraded.ts'
import type { Maildrop } from './maildrop.ts'
import type { Message } from './message-columns.ts'
import { DotStuffing } from './wire/dot-stuffing.ts'
import type { Octets } from './wire/reply.ts'
import { TopLines } from './wire/top-lines.ts'

export interface OctetsOptions {
  /** The client reads headers in UTF-8. */
  readonly isUtf8: boolean
  /** How many lines of the body (TOP); all when absent. */
  readonly bodyLines?: number
}

/**
 * A message as a multi-line response has it. Resolves once its first octets are here, so that a message that cannot be read
 * is still answered with -ERR.
 * @throws MailError NOT_FOUND, CORRUPT, UNAVAILABLE
 */
export async function openOctets(maildrop: Maildrop, message: Message, options: OctetsOptions): Promise<Octets> {
  const octets = stuffed(maildrop, message, options)
  let first: IteratorResult<Buffer, void> | undefined = await octets.next()
  return {
    async next() {
      const result = first ?? (await octets.next())
      first = undefined
      return result
    },
    return: () => octets.return(),
  }
}

async function* stuffed(
  maildrop: Maildrop,
  message: Message,
  { isUtf8, bodyLines }: OctetsOptions,
): AsyncGenerator<Buffer, void, undefined> {
  const top = bodyLines === undefined ? undefined : new TopLines(bodyLines)
  const stuffing = new DotStuffing(message.size !== message.storedSize)
  const chunks = maildrop.read(message)
  for await (const chunk of isUtf8 ? chunks : downgraded(chunks)) {
    yield stuffing.push(top === undefined ? chunk : top.push(chunk))
    if (top?.isDone) break
  }
  yield stuffing.end()
}
