import { commitAccount } from '../account-commit.ts'
import { KeyReader, key, prefixRange } from '../key.ts'
import { accountKey, countersKey, doomedKey, mailboxKey, mailboxRange, subscriptionKey } from '../layout.ts'
import { type AccountId, accountScope } from '../mail-store.ts'
import { newName } from '../mailboxes/mailbox-name.ts'
import { addMailbox, allRecords, allSubscriptions } from '../mailboxes/names.ts'
import { type AccountRecord, decodeAccount, encodeAccount, newAccountRecord } from '../records/account-record.ts'
import { decodeCounters, encodeCounters, newCounters } from '../records/mailbox-counters.ts'
import { decodeMailbox, encodeMailbox, type MailboxRecord, mailboxId } from '../records/mailbox-record.ts'
import { pastMargin } from '../uid-margin.ts'
import type { Damage, Damages } from './damage.ts'
import { decoded } from './decoded.ts'
import { countedAnew, recountAccount } from './recount.ts'
import { count, type VerifyContext } from './verify-context.ts'
import { verifyGrants } from './verify-grants.ts'
import { verifyLog } from './verify-log.ts'
import { verifyMailbox } from './verify-mailbox.ts'

const SPECIAL_USES: ReadonlySet<string> = new Set(['all', 'archive', 'drafts', 'flagged', 'junk', 'sent', 'trash'])

/** Everything of one account. Structure first, so that a repair of messages finds sound records above them. */
export async function* verifyAccount(context: VerifyContext, account: AccountId): Damages {
  const { reader } = context
  count(context, 'accounts')
  const value = await reader.get(accountKey(account))
  const record = decoded(value, decodeAccount)
  if (record === undefined) yield unreadableAccount(context, account, value === undefined)
  if (record !== undefined && !record.isLive) return
  const mailboxes = new Map<string, MailboxRecord>()
  yield* verifyNames(context, account, mailboxes)
  if (!mailboxes.has('INBOX')) yield missingInbox(context, account)
  yield* verifySubscriptions(context, account)
  if (record !== undefined) yield* verifyNumbers(context, account, record, mailboxes)
  const sum = { bytes: 0, messages: 0, modSeq: 0n }
  for (const [name, mailbox] of mailboxes) {
    count(context, 'mailboxes')
    yield* verifyMailbox(context, account, name, mailbox, sum)
  }
  yield* namelessMailboxes(context, account, mailboxes)
  if (record === undefined) return
  if (sum.modSeq > record.modSeq) {
    yield {
      kind: 'account-modseq',
      account,
      text: `a message has MODSEQ ${sum.modSeq} and the account has only come to ${record.modSeq}: a client that asks for changes may miss some`,
      fix: async () =>
        (await recountAccount(context.store, account)) ? 'raised the MODSEQ of the account' : undefined,
    }
  }
  if (sum.bytes !== record.usedBytes || sum.messages !== record.usedMessages) {
    yield {
      kind: 'account-usage',
      account,
      text: `the account is counted with ${record.usedMessages} messages of ${record.usedBytes} octets and has ${sum.messages} of ${sum.bytes}: its quota is applied wrongly`,
      fix: async () => ((await recountAccount(context.store, account)) ? 'counted the account anew' : undefined),
    }
  }
  yield* verifyLog(context, account, record)
}

function unreadableAccount(context: VerifyContext, account: AccountId, isMissing: boolean): Damage {
  return {
    kind: 'account-record',
    account,
    text: `the record of the account is ${isMissing ? 'missing' : 'unreadable'}: it cannot be opened, and mail for it has to wait`,
    fix: () =>
      context.store.engine.transact([accountScope(account)], async (tx) => {
        if (decoded(await tx.get(accountKey(account)), decodeAccount) !== undefined) return undefined
        const record: AccountRecord = { ...newAccountRecord(), isLive: true }
        const floor = BigInt(Math.max(0, Math.floor(context.store.clock.now()))) * 1000n
        record.modSeq = floor
        for await (const batch of tx.scan(prefixRange('mail-counters', account))) {
          for (const [at, bytes] of batch) {
            const counters = decoded(bytes, decodeCounters)
            record.lastMailbox = Math.max(record.lastMailbox, at.readUInt32BE(at.length - 4))
            if (counters === undefined) continue
            if (counters.highestModSeq > record.modSeq) record.modSeq = counters.highestModSeq
            record.lastUidValidity = Math.max(record.lastUidValidity, counters.uidValidity)
            record.usedBytes += counters.size
            record.usedMessages += counters.messages
          }
        }
        for await (const batch of tx.scan(prefixRange('mail-log', account))) for (const [at] of batch) tx.delete(at)
        record.lostUidValidity = record.lastUidValidity
        record.logFloor = record.modSeq
        tx.put(accountKey(account), encodeAccount(record))
        return 'made the record anew from its mailboxes; a limit of space is set again with: mailserver user set'
      }),
  }
}

/** Reads the names; those that are sound are put into `mailboxes`. */
async function* verifyNames(
  context: VerifyContext,
  account: AccountId,
  mailboxes: Map<string, MailboxRecord>,
): Damages {
  const prefix = key('mail-mailbox', account).length
  const numbers = new Map<number, string>()
  const uses = new Map<string, string>()
  for await (const batch of context.reader.scan(mailboxRange(account))) {
    for (const [at, value] of batch) {
      const name = at.toString('utf8', prefix, at.length - 2)
      const record = decoded(value, decodeMailbox)
      if (record === undefined || !Number.isInteger(record.number) || record.number < 1) {
        yield {
          kind: 'mailbox-record',
          account,
          mailbox: name,
          text: `the record of the mailbox is unreadable: nobody can open it, and the list of mailboxes fails`,
          fix: () => dropName(context, account, name),
        }
        continue
      }
      const other = numbers.get(record.number)
      if (other !== undefined) {
        yield {
          kind: 'mailbox-shared',
          account,
          mailbox: name,
          text: `it shows the same messages as ${other}: one of the two names is wrong. Rename or delete the one that is not wanted`,
        }
        continue
      }
      numbers.set(record.number, name)
      mailboxes.set(name, record)
      yield* verifyGrants(context, account, name, record)
      const { specialUse } = record
      if (specialUse === undefined) continue
      const holder = uses.get(specialUse)
      if (!SPECIAL_USES.has(specialUse) || holder !== undefined) {
        const why = holder === undefined ? 'no such use exists' : `${holder} has it already`
        yield {
          kind: 'special-use',
          account,
          mailbox: name,
          text: `it is marked for the use ${JSON.stringify(specialUse)}, and ${why}: clients may file mail into the wrong one`,
          fix: () => dropUse(context, account, name, specialUse),
        }
      } else {
        uses.set(specialUse, name)
      }
    }
  }
}

/** Its messages come back under another name: nothing says any more which mailbox the name led to. */
function dropName({ store }: VerifyContext, account: AccountId, name: string): Promise<string | undefined> {
  return store.engine.transact([accountScope(account)], async (tx) => {
    const value = await tx.get(mailboxKey(account, name))
    if (value === undefined || decoded(value, decodeMailbox) !== undefined) return undefined
    tx.delete(mailboxKey(account, name))
    return 'took the unreadable record away; its messages come back under Recovered'
  })
}

function dropUse({ store }: VerifyContext, account: AccountId, name: string, use: string): Promise<string | undefined> {
  return commitAccount(store, account, [], async (commit) => {
    const record = decoded(await commit.tx.get(mailboxKey(account, name)), decodeMailbox)
    if (record?.specialUse !== use) {
      commit.leave()
      return undefined
    }
    const { specialUse: _, ...rest } = record
    commit.tx.put(mailboxKey(account, name), encodeMailbox(rest))
    commit.mailboxesChanged(commit.nextModSeq())
    return 'took the mark away'
  })
}

function missingInbox({ store }: VerifyContext, account: AccountId): Damage {
  return {
    kind: 'inbox-missing',
    account,
    mailbox: 'INBOX',
    text: 'the account has no INBOX: mail for it cannot be delivered, and clients cannot open it',
    fix: () =>
      commitAccount(store, account, [], async (commit) => {
        if ((await allRecords(commit.tx, account)).has('INBOX')) {
          commit.leave()
          return undefined
        }
        const modSeq = commit.nextModSeq()
        addMailbox(commit, 'INBOX', modSeq, { isSubscribed: true })
        commit.mailboxesChanged(modSeq)
        return 'made an empty INBOX'
      }),
  }
}

async function* verifySubscriptions({ reader, store }: VerifyContext, account: AccountId): Damages {
  for (const name of await allSubscriptions(reader, account)) {
    if (isName(name)) continue
    yield {
      kind: 'subscription',
      account,
      mailbox: name,
      text: 'a name is subscribed that no mailbox can have',
      fix: () =>
        store.engine.transact([accountScope(account)], async (tx) => {
          if ((await tx.get(subscriptionKey(account, name))) === undefined) return undefined
          tx.delete(subscriptionKey(account, name))
          return 'took the subscription away'
        }),
    }
  }
}

function isName(name: string): boolean {
  try {
    return newName(name) === name
  } catch {
    return false
  }
}

/** What the account gives out next must be above all it has given out. */
async function* verifyNumbers(
  { store }: VerifyContext,
  account: AccountId,
  record: AccountRecord,
  mailboxes: ReadonlyMap<string, MailboxRecord>,
): Damages {
  const fix = async () => ((await recountAccount(store, account)) ? 'raised the counter' : undefined)
  const all = [...mailboxes.values()]
  const highest = all.reduce((most, { number }) => Math.max(most, number), 0)
  if (highest > record.lastMailbox) {
    yield {
      kind: 'account-mailbox-number',
      account,
      text: `mailbox number ${highest} exists and ${record.lastMailbox} is counted as the last: a new mailbox could take the place of an old one`,
      fix,
    }
  }
  const validity = all.reduce((most, { uidValidity }) => Math.max(most, uidValidity), 0)
  if (validity > record.lastUidValidity) {
    yield {
      kind: 'account-uidvalidity',
      account,
      text: `UIDVALIDITY ${validity} is in use and ${record.lastUidValidity} is counted as the last: two mailboxes could get the same`,
      fix,
    }
  }
}

/** Counters, or messages, that no name leads to and that are not being swept: mail that nobody can see. */
async function* namelessMailboxes(
  context: VerifyContext,
  account: AccountId,
  mailboxes: ReadonlyMap<string, MailboxRecord>,
): Damages {
  const { reader, store } = context
  const named = new Set([...mailboxes.values()].map(({ number }) => number))
  const found = new Set<number>()
  for (const space of ['mail-counters', 'mail-copy'] as const) {
    for await (const number of numbersIn(context, space, account)) if (!named.has(number)) found.add(number)
  }
  for (const number of found) {
    if ((await reader.get(doomedKey(account, number))) !== undefined) continue
    const name = `Recovered/m${number}`
    yield {
      kind: 'mailbox-nameless',
      account,
      mailbox: mailboxId(number),
      text: `mailbox m${number} has lost its name: its messages are there and nobody can see them`,
      fix: () =>
        commitAccount(store, account, [], async (commit) => {
          const { tx } = commit
          const existing = await allRecords(tx, account)
          const isNamed = [...existing.values()].some((record) => record.number === number)
          const isDoomed = (await tx.get(doomedKey(account, number))) !== undefined
          if (isNamed || isDoomed || existing.has(name)) {
            commit.leave()
            return undefined
          }
          const modSeq = commit.nextModSeq()
          const kept = decoded(await tx.get(countersKey(account, number)), decodeCounters)
          const uidValidity = commit.nextUidValidity()
          const base = kept ?? newCounters(uidValidity, modSeq)
          const counters = { ...(await countedAnew(tx, account, number, base)), uidValidity }
          if (kept === undefined) counters.lastUid = pastMargin(counters.lastUid)
          tx.put(countersKey(account, number), encodeCounters(counters))
          tx.put(mailboxKey(account, name), encodeMailbox({ number, uidValidity, createdAt: commit.now }))
          commit.record.lastMailbox = Math.max(commit.record.lastMailbox, number)
          if (!existing.has('Recovered')) addMailbox(commit, 'Recovered', modSeq)
          commit.mailboxesChanged(modSeq)
          return `brought it back as ${name}`
        }),
    }
  }
}

/** Numbers of the mailboxes that have records of a kind: one seek each, however many records there are. */
async function* numbersIn({ reader }: VerifyContext, space: string, account: AccountId): AsyncIterable<number> {
  const { lt } = prefixRange(space, account)
  for (let from = key(space, account); ; ) {
    let number: number | undefined
    for await (const batch of reader.scan({ gte: from, lt, limit: 1 })) {
      for (const [at] of batch) {
        const parts = new KeyReader(at)
        parts.text()
        parts.text()
        number = parts.u32()
      }
    }
    if (number === undefined || number === 0xffff_ffff) return
    yield number
    from = key(space, account, number + 1)
  }
}
