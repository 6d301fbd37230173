import { codeOf, MailError } from '../../errors/mail-error.ts'
import type { Log } from '../../kernel/log.ts'
import { delivery, type Filing } from '../../kernel/moments.ts'
import type { HookRunner } from '../../kernel/run-hooks.ts'
import type { Engine } from '../engine.ts'
import type { DeliveryRequest, LocalDelivery, PlannedDelivery } from '../local-delivery.ts'
import { type AccountId, accountScope, type MailboxId, type MailStore } from '../mail-store.ts'
import type { MailboxMirror } from '../mirror/mailbox-mirror.ts'
import { parseFlags } from '../records/flags.ts'
import { type AccountView, type Inboxes, overQuota, viewAccounts } from './account-view.ts'
import { commitDelivery, type PlannedCopy } from './commit-delivery.ts'

export interface DeliveryParts {
  readonly store: MailStore
  readonly engine: Engine
  readonly run: HookRunner
  readonly log: Log
  readonly mirror?: MailboxMirror | undefined
}

type Recipient = DeliveryRequest['recipients'][number]

/** Accounts that are planned at a time: hooks may be slow, and a message may have a thousand recipients. */
const AT_ONCE = 16

export function createLocalDelivery(parts: DeliveryParts): LocalDelivery {
  const inboxes: Inboxes = new Map()
  return { plan: (request) => plan(parts, inboxes, request) }
}

/**
 * An account that is reached twice gets one copy, filed as its first address says. A hook that fails fails the whole
 * plan: the sender tries again, and nothing is filed in the wrong place.
 */
async function plan(parts: DeliveryParts, inboxes: Inboxes, request: DeliveryRequest): Promise<PlannedDelivery> {
  const first = new Map<AccountId, Recipient>()
  for (const recipient of request.recipients) {
    if (!first.has(recipient.account)) first.set(recipient.account, recipient)
  }
  const refused = new Map<AccountId, Error>()
  const takers: AccountView[] = []
  const { views, gone } = await viewAccounts(parts.engine, parts.store, inboxes, [...first.keys()])
  for (const account of gone) refused.set(account, new MailError('RECIPIENT_UNKNOWN', `account ${account} was removed`))
  for (const view of views) {
    const error = overQuota(view, request.index.size)
    if (error === undefined) takers.push(view)
    else refused.set(view.account, error)
  }
  const { mirror } = parts
  if (mirror !== undefined) await Promise.all(takers.map(({ account }) => mirror.room(account)))
  const copies: PlannedCopy[] = []
  for (let at = 0; at < takers.length; at += AT_ONCE) {
    const part = takers.slice(at, at + AT_ONCE)
    const planned = part.map((view) => planCopy(parts, request, first.get(view.account) as Recipient, view))
    copies.push(...(await Promise.all(planned)))
  }
  return {
    scopes: copies.map(({ account }) => accountScope(account)),
    refused,
    commitIn: (tx) => commitDelivery(parts.store, tx, inboxes, request, copies),
  }
}

async function planCopy(
  parts: DeliveryParts,
  request: DeliveryRequest,
  recipient: Recipient,
  view: AccountView,
): Promise<PlannedCopy> {
  const { account } = view
  const filing = await parts.run.transform(delivery, await defaultFiling(parts.store, account, request.isQuarantined), {
    account,
    recipient: recipient.address,
    sender: request.envelope.sender,
    index: request.index,
  })
  const mailbox = filing.mailbox === 'INBOX' ? view.inbox : await mailboxFor(parts, view, filing.mailbox)
  return { account, mailbox, flags: possibleFlags(parts, account, filing.flags) }
}

async function defaultFiling(store: MailStore, account: AccountId, isQuarantined: boolean): Promise<Filing> {
  if (!isQuarantined) return { mailbox: 'INBOX', flags: [] }
  const junk = (await store.mailboxes(account)).find(({ specialUse }) => specialUse === 'junk')
  return { mailbox: junk?.name ?? 'Junk', flags: [] }
}

/** The mailbox of that name, made when it is missing. A name that cannot be is no reason to lose mail: INBOX takes it. */
async function mailboxFor(parts: DeliveryParts, view: AccountView, name: string): Promise<MailboxId> {
  const { store, log } = parts
  const { account } = view
  try {
    return await existingOrNew(store, account, name)
  } catch (err) {
    const code = codeOf(err)
    if (code !== 'INVALID' && code !== 'LIMIT_REACHED') throw err
    log.warn({ account, mailbox: name, err }, 'a message cannot be filed there and goes to INBOX')
    return view.inbox
  }
}

async function existingOrNew(store: MailStore, account: AccountId, name: string): Promise<MailboxId> {
  try {
    return (await store.mailbox(account, name)).id
  } catch (err) {
    if (codeOf(err) !== 'MAILBOX_NOT_FOUND') throw err
  }
  try {
    return (await store.createMailbox(account, name, name === 'Junk' ? { specialUse: 'junk' } : {})).id
  } catch (err) {
    // Another delivery made it in this moment.
    if (codeOf(err) !== 'MAILBOX_EXISTS') throw err
    return (await store.mailbox(account, name)).id
  }
}

/** Flags that no message can have are left out, and said: a filter's slip must not keep mail from arriving. */
function possibleFlags({ log }: DeliveryParts, account: AccountId, flags: readonly string[]): readonly string[] {
  return flags.filter((flag) => {
    try {
      parseFlags([flag])
      return true
    } catch (err) {
      if (!(err instanceof MailError)) throw err
      log.warn({ account, flag, err }, 'a message cannot be filed with this flag')
      return false
    }
  })
}
