import type { MessageIndex } from 'mailserver'
import { threadIdOf } from '../object-ids.ts'
import type { Responses } from '../responses.ts'
import { formatUtf8 } from '../wire/strings.ts'
import type { IndexItem } from './fetch-request.ts'

/** Says what stands ready in the message's index. @param isFirst nothing stands in the response before it */
export function tellIndexItems(
  out: Responses,
  items: readonly IndexItem[],
  index: MessageIndex,
  isFirst: boolean,
): void {
  let gap = isFirst ? '' : ' '
  for (const item of items) {
    out.text(`${gap}${item} `)
    out.octets(TEXTS[item](index))
    gap = ' '
  }
}

function formatThreadId(index: MessageIndex): string {
  const id = threadIdOf(index)
  return id === undefined ? 'NIL' : `(${id})`
}

const TEXTS: Readonly<Record<IndexItem, (index: MessageIndex) => Buffer>> = {
  ENVELOPE: ({ envelope }) => envelope,
  BODY: ({ body }) => body,
  BODYSTRUCTURE: ({ bodyStructure }) => bodyStructure,
  // RFC 8970 section 3.1: nothing to read is an empty text, not NIL.
  PREVIEW: ({ preview = '' }) => Buffer.from(formatUtf8(preview), 'latin1'),
  THREADID: (index) => Buffer.from(formatThreadId(index)),
}
