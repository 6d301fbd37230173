/** The simplest thing that a mailbox can be, to compare the store with: no batches, no counters, no concurrency. */
export interface ModelMessage {
  readonly uid: number
  readonly flags: ReadonlySet<string>
  readonly internalDate: number
  readonly size: number
}

export type Step =
  | { readonly kind: 'append'; readonly to: number; readonly message: Omit<ModelMessage, 'uid'> }
  | {
      readonly kind: 'flags'
      readonly in: number
      readonly uids: readonly number[]
      readonly mode: 'add' | 'remove' | 'replace'
      readonly flags: readonly string[]
    }
  | { readonly kind: 'expunge'; readonly in: number; readonly uids: readonly number[] }
  | { readonly kind: 'copy' | 'move'; readonly in: number; readonly uids: readonly number[]; readonly to: number }

class ModelMailbox {
  #lastUid = 0
  readonly messages = new Map<number, ModelMessage>()

  add(message: Omit<ModelMessage, 'uid'>): number {
    this.#lastUid += 1
    this.messages.set(this.#lastUid, { ...message, uid: this.#lastUid })
    return this.#lastUid
  }

  existing(uids: readonly number[]): ModelMessage[] {
    const found = [...new Set(uids)].sort((a, b) => a - b).map((uid) => this.messages.get(uid))
    return found.filter((message) => message !== undefined)
  }
}

export class Model {
  readonly mailboxes: readonly ModelMailbox[]

  constructor(count: number) {
    this.mailboxes = Array.from({ length: count }, () => new ModelMailbox())
  }

  /** Does the step, and answers what the store must have answered. */
  apply(step: Step): unknown {
    if (step.kind === 'append') return this.#at(step.to).add(step.message)
    const source = this.#at(step.in)
    const found = source.existing(step.uids)
    if (step.kind === 'flags') {
      for (const message of found) {
        source.messages.set(message.uid, { ...message, flags: changed(message.flags, step.mode, step.flags) })
      }
      return found.map(({ uid }) => [uid, ...sortedFlags(source.messages.get(uid)?.flags ?? [])])
    }
    const uids = found.map(({ uid }) => uid)
    if (step.kind === 'expunge') {
      for (const uid of uids) source.messages.delete(uid)
      return uids
    }
    const pairs = found.map((message) => [message.uid, this.#at(step.to).add(message)])
    if (step.kind === 'move') for (const uid of uids) source.messages.delete(uid)
    return pairs
  }

  #at(mailbox: number): ModelMailbox {
    return this.mailboxes[mailbox] as ModelMailbox
  }
}

export const sortedFlags = (flags: Iterable<string>): string[] => [...flags].sort()

function changed(old: ReadonlySet<string>, mode: 'add' | 'remove' | 'replace', flags: readonly string[]): Set<string> {
  const change = new Set(flags)
  if (mode === 'add') return new Set([...old, ...change])
  return mode === 'remove' ? new Set([...old].filter((flag) => !change.has(flag))) : change
}

/** Random numbers that are the same in every run (mulberry32). @returns integers from 0 to below `below` */
export function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
