import { setTimeout as sleep } from 'node:timers/promises'
import { type AccountId, type BlobStore, indexMessage, type MailboxId, type MailStore } from 'mailserver'

/** A message, and what its sender was told of it. */
export interface Tracked {
  readonly account: AccountId
  readonly name: string
  readonly internalDate: number
  /** How often it is there: at least, and at most. */
  min: number
  max: number
  /** Its UID in INBOX, as long as it is there alone. */
  uid: number | undefined
  /** It was flagged, and that was on disk before something that was acknowledged later. */
  isFlagged: boolean
}

export interface TrafficOptions {
  readonly store: MailStore
  /** Where messages come from. */
  readonly blobs: Pick<BlobStore, 'write'>
  readonly settle: (account: AccountId) => Promise<unknown>
  /** Told of each error; traffic goes on. It ends with the error when absent. */
  readonly onError?: (error: unknown) => void
}

export const ACCOUNTS = ['alice', 'bob'] as AccountId[]

/** The octets of a message, which tell its name twice: half of one is seen. */
export const octetsOf = (name: string, size: number): Buffer =>
  Buffer.from(`Subject: ${name}\r\n\r\nbody of ${name}\r\n${'x'.repeat(size)}\r\n`)
/** The same as a file. */
export const WHOLE = /^Subject: (\S+)\n\nbody of \1\nx*\n$/

/** People who append, flag, copy, move and expunge, and make folders, until they are told to stop. */
export class Traffic {
  readonly tracked = new Map<string, Tracked>()
  readonly #options: TrafficOptions
  #isStopping = false
  #done: Promise<unknown> = Promise.resolve()

  constructor(options: TrafficOptions) {
    this.#options = options
  }

  start(people: number, prefix = ''): void {
    this.#done = Promise.all(Array.from({ length: people }, (_, person) => this.#work(`${prefix}${person}`, Infinity)))
  }

  /** A life of so many rounds. */
  async run(people: number, rounds: number): Promise<void> {
    await Promise.all(Array.from({ length: people }, (_, person) => this.#work(`${person}`, rounds)))
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#done
  }

  /** What was acknowledged until now. */
  acknowledged(): Tracked[] {
    return [...this.tracked.values()].map((one) => ({ ...one }))
  }

  async #work(person: string, rounds: number): Promise<void> {
    for (let round = 0; round < rounds && !this.#isStopping; round++) {
      try {
        await this.#round(person, round)
      } catch (error) {
        if (this.#options.onError === undefined) throw error
        this.#options.onError(error)
      }
      await sleep(round % 3)
    }
  }

  async #round(person: string, round: number): Promise<void> {
    const { store, blobs } = this.#options
    const account = ACCOUNTS[round % 5 === 3 ? 1 : 0] as AccountId
    const name = `${person}-${round}`
    const octets = octetsOf(name, round % 11 === 10 ? 70_000 : (round % 9) * 500)
    const blob = await blobs.write(octets)
    const index = indexMessage(octets)
    const internalDate = Date.UTC(2020, 0, 1, 0, round)
    const appendTo = async (to: AccountId) => {
      const { id } = await store.mailbox(to, 'INBOX')
      const tracked: Tracked = {
        account: to,
        name,
        internalDate,
        min: 0,
        max: 1,
        uid: undefined,
        isFlagged: false,
      }
      this.tracked.set(`${to}/${name}`, tracked)
      const [appended] = await store.append(to, id, [
        { blob, index, internalDate, flags: round % 2 ? ['\\Seen', `Key${round % 7}`] : [] },
      ])
      const uid = appended?.uid as number
      Object.assign(tracked, { min: 1, uid })
      return { id, uid, tracked }
    }
    const { id, uid, tracked } = await appendTo(account)
    if (round % 7 === 0) await appendTo(account === 'alice' ? (ACCOUNTS[1] as AccountId) : (ACCOUNTS[0] as AccountId))
    await this.#change(account, id, uid, tracked, round)
    if (round % 13 === 12) await this.#folders(account, `${person}-${round}`)
  }

  async #change(account: AccountId, id: MailboxId, uid: number, tracked: Tracked, round: number): Promise<void> {
    const { store, settle } = this.#options
    const archive = (await store.mailbox(account, 'Archive')).id
    if (round % 6 === 0) {
      tracked.uid = undefined
      const { uids } = await store.move(account, id, [uid], archive)
      if (round % 4 === 0) await this.#expunge(account, archive, uids[0]?.[1] as number, tracked)
    } else if (round % 6 === 1) {
      await store.setFlags(account, id, [uid], { mode: 'add', flags: ['\\Flagged'] })
      if (round % 12 !== 1) return
      await settle(account)
      // Something durable comes after it.
      await store.setQuota(account, { maxBytes: 10_000_000_000 + round })
      tracked.isFlagged = true
    } else if (round % 6 === 2) {
      tracked.max = 2
      await store.copy(account, id, [uid], archive)
      tracked.min = 2
    } else if (round % 6 === 4) await this.#expunge(account, id, uid, tracked)
  }

  async #expunge(account: AccountId, id: MailboxId, uid: number, tracked: Tracked): Promise<void> {
    Object.assign(tracked, { min: 0, uid: undefined })
    await this.#options.store.expunge(account, id, [uid])
    tracked.max = 0
  }

  async #folders(account: AccountId, name: string): Promise<void> {
    const tracked = await this.folder(account, `Box/${name}`, `Renamed/${name}`)
    if (name.length % 2 === 0) return
    tracked.min = 0
    await this.#options.store.deleteMailbox(account, `Renamed/${name}`)
    tracked.max = 0
  }

  /** Makes a mailbox with a message in it, and renames it. */
  async folder(account: AccountId, first: string, last: string): Promise<Tracked> {
    const { store, blobs } = this.#options
    const name = `in-${last}`
    const octets = octetsOf(name, 100)
    const box = (await store.createMailbox(account, first)).id
    const tracked: Tracked = { account, name, internalDate: 0, min: 0, max: 1, uid: undefined, isFlagged: false }
    this.tracked.set(`${account}/${name}`, tracked)
    const blob = await blobs.write(octets)
    await store.append(account, box, [{ blob, index: indexMessage(octets), internalDate: 0, flags: [] }])
    tracked.min = 1
    await store.renameMailbox(account, first, last)
    return tracked
  }
}
