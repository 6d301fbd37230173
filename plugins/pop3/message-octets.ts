import type { Maildrop, Message } from './maildrop.ts'
import { DotStuffing } from './wire/dot-stuffing.ts'
import type { Octets } from './wire/reply.ts'
import { TopLines } from './wire/top-lines.ts'

/**
 * A message as a multi-line response has it. Resolves once its first octets are here, so that a message that cannot be read
 * is still answered with -ERR.
 * @param bodyLines how many lines of the body (TOP); all when absent
 * @throws MailError NOT_FOUND, CORRUPT, UNAVAILABLE
 */
export async function openOctets(maildrop: Maildrop, message: Message, bodyLines?: number): Promise<Octets> {
  const octets = stuffed(maildrop, message, bodyLines === undefined ? undefined : new TopLines(bodyLines))
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
  top: TopLines | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  const stuffing = new DotStuffing(message.size !== message.storedSize)
  for await (const chunk of maildrop.read(message)) {
    yield stuffing.push(top === undefined ? chunk : top.push(chunk))
    if (top?.isDone) break
  }
  yield stuffing.end()
}
