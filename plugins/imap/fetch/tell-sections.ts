import type { Session } from '../session.ts'
import { BrokenResponse } from '../session-end.ts'
import type { SectionItem } from '../wire/fetch-items.ts'
import type { DecodedPart } from './decoded-part.ts'
import type { LoadedSection } from './section-reader.ts'

type Client = Pick<Session, 'out' | 'signal'>

/**
 * Says the sections of one message that were asked for, in their order. @param isFirst nothing stands in the response
 * before them
 * @throws BrokenResponse when the store fails in the middle
 */
export async function tellSections(
  client: Client,
  items: readonly SectionItem[],
  sections: readonly LoadedSection[],
  isFirst: boolean,
): Promise<void> {
  const { out } = client
  let gap = isFirst ? '' : ' '
  for (const [at, item] of items.entries()) {
    const { label } = item
    const section = sections[at] as LoadedSection
    out.text(`${gap}${label} `)
    gap = ' '
    if (section.kind === 'missing') out.text(item.decoded === 'size' ? '0' : 'NIL')
    else if (section.kind === 'decoded') await tellDecoded(client, section.part, item)
    else if (section.kind === 'stream') await tellStream(client, section)
    else {
      const octets = section.kind === 'octets' ? section.octets : await unbroken(section.read())
      out.text(`{${octets.length}}\r\n`)
      out.octets(octets)
    }
  }
}

/** RFC 3516 section 4.3. The size has to be known first: the part is decoded once to count it. */
async function tellDecoded(client: Client, part: DecodedPart, { decoded, partial }: SectionItem): Promise<void> {
  const { out } = client
  const whole = await unbroken(part.size())
  if (decoded === 'size') return out.text(`${whole}`)
  const from = Math.min(partial?.offset ?? 0, whole)
  const size = Math.min(partial?.length ?? whole, whole - from)
  // NUL may be among the octets: a literal8.
  out.text(`~{${size}}\r\n`)
  if (size > 0) await copy(client, part.octets(from, size), size)
}

/** The response has begun: a fault of the store now breaks it. */
async function unbroken<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (cause) {
    throw new BrokenResponse('a section could not be read', { cause })
  }
}

async function tellStream(client: Client, section: LoadedSection & { kind: 'stream' }): Promise<void> {
  client.out.text(`{${section.size}}\r\n`)
  const stream = section.open()
  try {
    await copy(client, stream as AsyncIterable<Buffer>, section.size)
  } finally {
    stream.destroy()
  }
}

/** Sends the octets of a literal. @throws BrokenResponse when the store fails in the middle of it */
async function copy({ out, signal }: Client, source: AsyncIterable<Buffer>, size: number): Promise<void> {
  let left = size
  try {
    for await (const chunk of source) {
      signal.throwIfAborted()
      left -= chunk.length
      out.octets(chunk)
      if (out.isFull) await out.room()
    }
  } catch (cause) {
    throw signal.aborted ? cause : new BrokenResponse('a message could not be read to its end', { cause })
  }
  if (left !== 0) throw new BrokenResponse(`a section has ${left} octets less than its index says`)
}
