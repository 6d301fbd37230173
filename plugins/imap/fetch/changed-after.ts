import type { MailboxView } from '../mailbox-view.ts'

/** The positions whose messages changed after a mod-sequence (RFC 7162 section 3.1.4). */
export function changedAfter(view: MailboxView, positions: Uint32Array, modSeq: number): Uint32Array {
  return positions.filter((position) => {
    const row = view.rowAt(position)
    return row !== -1 && view.mirror.columns.modSeqAt(row) > modSeq
  })
}
