import { type Answer, RefusedSource } from 'mailserver'
import type { DataFault } from './data-decoder.ts'

const no = (code: number, status: string, text: string): Extract<Answer, { ok: false }> => ({
  ok: false,
  reply: code,
  code: status,
  text,
})

/** RFC 5321 sections 2.3.8 and 4.5.3.1.10. */
const ANSWERS = {
  'bare-newline': no(554, '5.6.0', 'Bare CR or LF is refused: lines end in CRLF'),
  nul: no(554, '5.6.0', 'A message with a NUL octet is refused'),
  'line-too-long': no(500, '5.5.2', 'Line of the message too long'),
} as const satisfies Record<DataFault, Answer>

/** What the source of a message throws in place of a good end. */
export class BadData extends RefusedSource {
  readonly fault: DataFault

  constructor(fault: DataFault) {
    super(ANSWERS[fault])
    this.fault = fault
  }
}
