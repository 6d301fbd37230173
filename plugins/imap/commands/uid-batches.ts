import { AskedBatches } from '../asked-batches.ts'
import { command, SELECTED } from '../command.ts'
import { bad, no, ok } from '../completion.ts'
import { catchUp } from '../known-messages.ts'
import type { MailboxView } from '../mailbox-view.ts'

/** RFC 10022 section 3.1.3.2: smaller batches are refused. */
const MIN_BATCH = 500

interface Request {
  readonly size: number
  /** Batches that are wanted, counted from 1 at the newest messages; all when absent. */
  readonly range: { readonly from: number; readonly to: number } | undefined
}

/** RFC 10022: ranges of UIDs with so many messages each, from the newest to the oldest. */
export const uidBatches = command<Request>({
  name: 'UIDBATCHES',
  states: SELECTED,
  parse(args) {
    args.space()
    const size = args.number()
    if (!args.skip(' ')) {
      args.end()
      return { size, range: undefined }
    }
    const from = args.number()
    args.expect(':')
    const to = args.number()
    args.end()
    return { size, range: { from, to } }
  },
  async run({ size, range }, session) {
    if (range !== undefined && (range.from < 1 || range.to < range.from))
      return bad('Batches are counted from 1, and rise', 'CLIENTBUG')
    if (size < MIN_BATCH) return no(`A batch has ${MIN_BATCH} messages at least`, 'TOOFEW')
    await catchUp(session)
    const view = session.selected
    view.askedBatches ??= new AskedBatches()
    if (!view.askedBatches.mayAsk(size, range, view)) return no('Little has changed since this was asked', 'LIMIT')
    const batches = batchesOf(view, size, range)
    const data = batches.length === 0 ? '' : ` ${batches.join(',')}`
    session.out.untagged(`UIDBATCHES (TAG "${session.tag}")${data}`)
    return ok('Batches completed')
  },
})

/**
 * The ranges lie side by side: each begins below the one before, and the last one reaches down to 1 (section 3.1.4). They
 * are of the size that was asked for, whatever one command may work on: section 3.2 leaves that to the client.
 */
function batchesOf(view: MailboxView, size: number, range: Request['range']): readonly string[] {
  const batches: string[] = []
  const last = Math.min(range?.to ?? Number.POSITIVE_INFINITY, Math.ceil(view.count / size))
  for (let batch = range?.from ?? 1; batch <= last; batch++) {
    const end = view.count - (batch - 1) * size
    const first = Math.max(0, end - size)
    const high = batch === 1 ? view.uidAt(end - 1) : view.uidAt(end) - 1
    const low = first === 0 ? 1 : view.uidAt(first)
    batches.push(`${high}:${low}`)
  }
  return batches
}
