import { hash } from 'node:crypto'
import type { AccountId, MailboxId, MailStore, MessageState } from '../mail-store.ts'
import type { MirroredMessage, MirroredView } from '../mirror/mirror-keeper.ts'

interface Comparison {
  readonly store: MailStore
  readonly account: AccountId
  readonly signal?: AbortSignal | undefined
  readonly onCompared: (count: number) => void
}

/**
 * Everything that the store and the mirror have of an account, one against the other: UIDVALIDITY, UIDs, flags, octets,
 * subscriptions. @returns what differs, for a person; none when they are equal
 */
export async function compareAccount(comparison: Comparison, view: MirroredView | undefined): Promise<string[]> {
  const { store, account } = comparison
  const differences: string[] = []
  const mailboxes = await store.mailboxes(account)
  const there = new Map(view?.mailboxes.map((mailbox) => [mailbox.name, mailbox]))
  for (const { id, name, uidValidity } of mailboxes) {
    const mirrored = there.get(name)
    const { messages } = await store.status(account, id)
    if (mirrored === undefined) {
      differences.push(`${name} is missing`)
      continue
    }
    if (mirrored.uidValidity !== uidValidity) {
      differences.push(`${name} has UIDVALIDITY ${uidValidity} in the store and ${mirrored.uidValidity} in its files`)
    }
    if (mirrored.messages.length !== messages) {
      differences.push(`${name} has ${messages} messages in the store and ${mirrored.messages.length} in its files`)
    }
    differences.push(...(await compareMessages(comparison, id, name, mirrored)))
  }
  const names = new Set(mailboxes.map(({ name }) => name))
  for (const name of there.keys()) if (!names.has(name)) differences.push(`the store has no ${name}`)
  const [ours, theirs] = [[...(await store.subscriptions(account))].sort(), [...(view?.subscriptions ?? [])].sort()]
  if (ours.join('\n') !== theirs.join('\n')) differences.push('the subscriptions are not the same')
  return differences
}

async function compareMessages(
  { store, account, signal, onCompared }: Comparison,
  id: MailboxId,
  name: string,
  mirrored: MirroredView['mailboxes'][number],
): Promise<string[]> {
  const byUid = new Map(mirrored.messages.map((message) => [message.uid, message]))
  const differences: string[] = []
  for await (const states of store.states(account, id)) {
    for (const state of states) {
      signal?.throwIfAborted()
      const message = byUid.get(state.uid)
      const what = message === undefined ? 'is missing' : await difference(state, message, mirrored.lacksKeywords)
      if (what !== undefined) differences.push(`message ${state.uid} of ${name} ${what}`)
      else if (message !== undefined && !(await isSame(store, account, id, state, message))) {
        differences.push(`message ${state.uid} of ${name} has other octets`)
      }
    }
    onCompared(states.length)
  }
  return differences
}

async function difference(state: MessageState, message: MirroredMessage, lacksKeywords: boolean) {
  const [ours, theirs] = [folded(state.flags), folded(message.flags)]
  const extra = theirs.filter((flag) => !ours.includes(flag))
  const missing = ours.filter((flag) => !theirs.includes(flag))
  const isEqual = extra.length === 0 && missing.every((flag) => lacksKeywords && !flag.startsWith('\\'))
  return isEqual
    ? undefined
    : `has the flags ${state.flags.join(' ')} in the store and ${message.flags.join(' ')} in its file`
}

async function isSame(
  store: MailStore,
  account: AccountId,
  id: MailboxId,
  state: MessageState,
  message: MirroredMessage,
) {
  const [ours, theirs] = [await store.read(account, id, state.uid), await message.read(state.size)]
  return hash('sha256', ours) === hash('sha256', theirs)
}

const folded = (flags: readonly string[]): string[] => flags.map((flag) => flag.toLowerCase())
