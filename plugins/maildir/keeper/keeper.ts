import type { AccountId, Lease, MailboxId, MirrorLoad } from 'mailserver'
import { storedPath } from '../layout.ts'
import type { Mirror, MirrorMessage } from '../mirror.ts'
import { AccountKeeper, type AccountKeeperParts } from './account-keeper.ts'
import type { Folder } from './folder.ts'
import { WatchBudget } from './watches.ts'
import { WithheldMessages } from './withheld.ts'

const LEASE = 'maildir:keeper'
const LEASE_MS = 10_000
const LEASE_RETRY_MS = 500
const TICK_MS = 1_000
/** An account that nobody has asked for so long is not watched any more. */
const COOL_AFTER_MS = 90_000
/** What is only held for its last deliveries is let go sooner. */
const FORGET_AFTER_MS = 10_000
const DRAINS_AT_ONCE = 8
/** Commits that come within so long are done together: nobody waits for their files. */
const GATHER_MS = 20
/** The same where much happens: syncs of directories and lists are shared, and programs still hear of all in time. */
const GATHER_MANY_MS = 250
/** So many are not waited with. */
const MANY = 256

export interface KeeperOptions
  extends Omit<AccountKeeperParts, 'watchBudget' | 'cleaned' | 'folderOf' | 'written' | 'withheld' | 'tell'> {
  readonly mirror: Mirror
  /** Directory of an account; undefined when the account is not known (any more). */
  readonly rootOf: (account: AccountId) => Promise<string | undefined>
  readonly rescanMs: number
  readonly watches: number
  /** Only what it is told to do: for a command, which has no sessions. */
  readonly isPassive?: boolean
  /** Told now and then what waits to be written, by the worker that writes it; nothing by one that does not. */
  readonly onWaiting?: (waiting: MirrorLoad & { readonly failing: number; readonly unreadable: number }) => void
}

/** Commits of an account that are to be done together. */
interface Gathering {
  count: number
  readonly cancel: () => void
  readonly end: () => void
}

/** Keeps the files of all accounts, in the one worker that holds the lease. */
export class Keeper {
  readonly #options: KeeperOptions
  readonly #parts: AccountKeeperParts
  readonly #accounts = new Map<AccountId, AccountKeeper>()
  readonly #opening = new Map<AccountId, Promise<AccountKeeper | undefined>>()
  readonly #due = new Set<AccountId>()
  readonly #gathering = new Map<AccountId, Gathering>()
  /** When the last ones of an account were done. */
  readonly #gathered = new Map<AccountId, number>()
  /** Accounts with commits from before: another keeper may have done some of them. */
  readonly #left = new Set<AccountId>()
  #draining = 0
  #lease: Lease | undefined
  #isStopped = false
  #loop: Promise<void> = Promise.resolve()
  #end: () => void = () => {}
  readonly #stopping = new AbortController()

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#parts = {
      ...options,
      written: new Map(),
      withheld: new WithheldMessages(),
      cleaned: new Set(),
      tell: (message) => options.mirror.tell(message),
      watchBudget: new WatchBudget(options.watches),
      folderOf: (account, mailbox) => this.folderOf(account, mailbox),
    }
  }

  /** Begins to ask for the lease. Resolves once it was asked for the first time, and what a crash left is under way. */
  async start(): Promise<void> {
    const isKeeper = await this.#tryLease()
    this.#loop = this.#run(isKeeper).catch((err: unknown) => {
      if (!this.#isStopped) this.#options.log.error({ err }, 'the keeper of the Maildirs has ended')
    })
  }

  /**
   * Writes what waits, so that other programs find everything, and lets another worker go on.
   * @param graceMs how long that may take; the rest is written at the next start
   */
  async stop(graceMs = 15_000): Promise<void> {
    if (this.#lease !== undefined && !this.#isStopped && !this.#options.isPassive) await this.#finish(graceMs)
    this.#isStopped = true
    this.#stopping.abort()
    await this.#loop
    await this.#release()
  }

  folderOf(account: AccountId, mailbox: MailboxId): Folder | undefined {
    return this.#accounts.get(account)?.estate.folders.get(mailbox)
  }

  /** Resolves when all that was committed for the account is in its Maildir, and what is there is in the store. */
  async settle(account: AccountId, signal?: AbortSignal): Promise<void> {
    const keeper = await this.#open(account)
    await keeper?.sync(signal === undefined ? {} : { signal })
  }

  async #tryLease(): Promise<boolean> {
    this.#lease = await this.#options.engine.lease(LEASE, LEASE_MS)
    if (this.#lease === undefined) return false
    this.#lease.lost.addEventListener('abort', () => {
      for (const keeper of this.#accounts.values()) keeper.halt()
    })
    if (this.#options.isPassive) return true
    this.#end = this.#options.mirror.listen((message) => this.#hear(message))
    const { mirror, mirrored, log } = this.#options
    log.info({}, 'this worker writes the Maildirs from now on')
    mirror.tell(['keeper'])
    for (const account of await mirrored.waiting()) {
      mirror.tell(['waiting', account, await mirrored.load(account)])
      this.#left.add(account)
      this.#drainSoon(account)
    }
    return true
  }

  async #run(isKeeper: boolean): Promise<void> {
    const { clock } = this.#options
    let is = isKeeper
    let rescanAt = clock.now() + this.#options.rescanMs
    while (!this.#isStopped) {
      await clock.sleep(is ? TICK_MS : LEASE_RETRY_MS, this.#stopping.signal).catch(() => {})
      if (this.#isStopped) return
      if (is && this.#lease?.lost.aborted) {
        await this.#release()
        is = false
      }
      if (!is) is = await this.#tryLease()
      if (!is) continue
      const isRescan = clock.now() >= rescanAt
      if (isRescan) rescanAt = clock.now() + this.#options.rescanMs
      await this.#tick(isRescan)
    }
  }

  async #tick(isRescan: boolean): Promise<void> {
    const { backlog } = this.#options.mirror
    this.#options.onWaiting?.({
      ...backlog.total,
      failing: backlog.failing,
      unreadable: this.#parts.withheld.size,
    })
    const now = this.#options.clock.now()
    for (const [account, at] of this.#gathered) if (now - at > GATHER_MANY_MS) this.#gathered.delete(account)
    for (const [account, keeper] of this.#accounts) {
      const idle = keeper.hasWork ? 0 : now - keeper.usedAt
      if (idle > (keeper.isHot ? COOL_AFTER_MS : FORGET_AFTER_MS)) {
        this.#accounts.delete(account)
        if (keeper.isHot) this.#options.mirror.tell(['cold', account])
        await keeper.close()
      } else if (keeper.isHot && (isRescan || keeper.isPartlyWatched)) {
        await keeper.rescan().catch((err: unknown) => {
          this.#options.log.warn({ account, err }, 'a Maildir could not be looked at')
        })
      }
    }
  }

  #hear([kind, account]: MirrorMessage): void {
    if (kind === 'who') this.#answer()
    else if (account === undefined) return
    else if (kind === 'committed') this.#gather(account)
    else if (kind === 'attend') void this.#heat(account)
  }

  /** A worker has come: it hears of this keeper, and of what waits, as all others do again. */
  #answer(): void {
    const { mirror } = this.#options
    const waiting = mirror.backlog.entries()
    mirror.tell(['keeper'])
    for (const [account, load] of waiting) mirror.tell(['waiting', account, load])
  }

  #gather(account: AccountId): void {
    const { clock, mirror } = this.#options
    const gathering = this.#gathering.get(account)
    if (gathering !== undefined) {
      gathering.count += 1
      if (gathering.count >= MANY || mirror.backlog.isCrowded(account)) gathering.end()
      return
    }
    const now = clock.now()
    const isBusy = now - (this.#gathered.get(account) ?? 0) < GATHER_MANY_MS && !mirror.backlog.isCrowded(account)
    const end = () => {
      cancel()
      this.#gathering.delete(account)
      this.#gathered.set(account, clock.now())
      this.#drainSoon(account)
    }
    const cancel = clock.after(isBusy ? GATHER_MANY_MS : GATHER_MS, end)
    this.#gathering.set(account, { count: 1, cancel, end })
  }

  #drainSoon(account: AccountId): void {
    this.#due.add(account)
    while (this.#draining < DRAINS_AT_ONCE && this.#due.size > 0) void this.#drainNext()
  }

  async #drainNext(): Promise<void> {
    const [account] = this.#due
    if (account === undefined) return
    this.#due.delete(account)
    this.#draining += 1
    try {
      await (await this.#open(account))?.drain(false)
    } catch (err) {
      this.#options.log.error({ account, err }, 'a Maildir could not be written')
    } finally {
      this.#draining -= 1
      if (this.#due.size > 0) void this.#drainNext()
    }
  }

  async #heat(account: AccountId): Promise<void> {
    try {
      const keeper = await this.#open(account)
      await keeper?.heat()
    } catch (err) {
      this.#options.log.warn({ account, err }, 'a Maildir could not be looked at')
    }
    // Also when it failed: the store is read as it is.
    this.#options.mirror.tell(['hot', account])
  }

  #open(account: AccountId): Promise<AccountKeeper | undefined> {
    const open = this.#accounts.get(account)
    if (open !== undefined) {
      open.usedAt = this.#options.clock.now()
      return Promise.resolve(open)
    }
    const opening = this.#opening.get(account) ?? this.#openNew(account).finally(() => this.#opening.delete(account))
    this.#opening.set(account, opening)
    return opening
  }

  async #openNew(account: AccountId): Promise<AccountKeeper | undefined> {
    const root = (await this.#options.rootOf(account)) ?? (await storedPath(this.#options.engine, account))
    if (root === undefined || this.#isStopped) return undefined
    const keeper = new AccountKeeper(this.#parts, account, root, this.#left.delete(account))
    keeper.usedAt = this.#options.clock.now()
    this.#accounts.set(account, keeper)
    return keeper
  }

  async #finish(graceMs: number): Promise<void> {
    const { clock, mirrored, log } = this.#options
    const until = clock.now() + graceMs
    try {
      for (const account of await mirrored.waiting()) {
        if (clock.now() >= until) return
        await Promise.race([this.#open(account).then((keeper) => keeper?.drain()), clock.sleep(until - clock.now())])
      }
    } catch (err) {
      log.warn({ err }, 'what is left is written to the Maildirs at the next start')
    }
  }

  async #release(): Promise<void> {
    this.#end()
    this.#end = () => {}
    for (const { cancel } of this.#gathering.values()) cancel()
    this.#gathering.clear()
    this.#gathered.clear()
    this.#due.clear()
    for (const keeper of this.#accounts.values()) await keeper.close()
    this.#accounts.clear()
    await this.#lease?.release()
    this.#lease = undefined
    this.#options.onWaiting?.({ operations: 0, bytes: 0, failing: 0, unreadable: 0 })
  }
}
