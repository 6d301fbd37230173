import type { FlagChange } from 'mailserver'
import { type Command, command, SELECTED } from '../command.ts'
import { type Completion, no, ok } from '../completion.ts'
import type { Session } from '../session.ts'
import { flagsText, tellKeywords } from '../updates.ts'
import { parseStoreFlags } from '../wire/flags.ts'
import { parseSequenceSet, type SequenceSet } from '../wire/sequence-set.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'
import { READ_ONLY } from './expunge.ts'

/** Messages that are changed in one go, so that others get their turn. */
const BATCH = 10_000

interface Store {
  readonly set: SequenceSet
  readonly change: FlagChange
  readonly isSilent: boolean
}

/** RFC 3501 section 6.4.6. */
export const store = storing('STORE', false)
/** RFC 3501 section 6.4.8. */
export const uidStore = storing('UID STORE', true)

const ITEM = /[+-]?FLAGS(\.SILENT)?/iy

function storing(name: string, isUid: boolean): Command {
  return command<Store>({
    name,
    states: SELECTED,
    updates: isUid ? 'all' : 'no-expunge',
    parse(args, { limits }) {
      args.space()
      const set = parseSequenceSet(args)
      args.space()
      const item = args.match(ITEM)?.toUpperCase()
      if (item === undefined) throw new SyntaxFault('FLAGS expected')
      args.space()
      const flags = parseStoreFlags(args, limits)
      args.end()
      const mode = item.startsWith('+') ? 'add' : item.startsWith('-') ? 'remove' : 'replace'
      return { set, change: { mode, flags }, isSilent: item.endsWith('.SILENT') }
    },
    run: (args, session) => run(args, session, isUid),
  })
}

async function run({ set, change, isSilent }: Store, session: Session, isUid: boolean): Promise<Completion> {
  const view = session.selected
  if (view.isReadOnly) return READ_ONLY
  const positions = await session.positions(set, isUid)
  let missing = 0
  for (let from = 0; from < positions.length; from += BATCH) {
    missing += await storeBatch(session, positions.subarray(from, from + BATCH), change, { isSilent, isUid })
  }
  // RFC 2180 section 4.2: by number the client meant a message that is gone; by UID that is no error.
  if (missing > 0 && !isUid) return no('Some of the messages are gone', 'EXPUNGEISSUED')
  return ok('Store completed')
}

/** @returns how many of the messages are gone */
async function storeBatch(
  session: Session,
  positions: Uint32Array,
  change: FlagChange,
  { isSilent, isUid }: { isSilent: boolean; isUid: boolean },
): Promise<number> {
  const { services, account, out } = session
  const view = session.selected
  const uids = view.uidsAt(positions)
  const { changed } = await services.store.setFlags(account, view.mailbox.id, uids, change)
  view.mirror.applyStates(changed, view)
  tellKeywords(view, out)
  let missing = 0
  for (const position of positions) {
    const row = view.rowAt(position)
    const uid = view.uidAt(position)
    view.forgetFlags(uid)
    if (row === -1) {
      missing += 1
    } else if (!isSilent) {
      const flags = flagsText(view, position, row)
      out.untagged(`${position + 1} FETCH (${isUid ? `UID ${uid} ` : ''}FLAGS ${flags})`)
      if (out.isFull) await out.room()
    }
  }
  return missing
}
