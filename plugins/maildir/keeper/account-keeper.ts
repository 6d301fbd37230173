import { join } from 'node:path'
import { type AccountId, type Clock, MailError, type MailErrorCode } from 'mailserver'
import { faultOf } from '../faults.ts'
import { exists, makeMaildir } from '../files/disk.ts'
import { storedPath, storePath } from '../layout.ts'
import type { MirrorMessage } from '../mirror.ts'
import { addMissingFolders } from './apply-folders.ts'
import { drain } from './drain.ts'
import { Estate, type KeeperParts } from './estate.ts'
import { pendingOf } from './pending.ts'
import { removeLeftovers } from './remove-leftovers.ts'
import { reviewWithheld } from './review-withheld.ts'
import { syncAccount } from './sync-account.ts'
import { type WatchBudget, Watches } from './watches.ts'

/** Events come in bursts; one look serves them all. */
const SETTLE_MS = 40
/** A look that took long is not repeated at once: looking takes a fifth of the time at most. */
const LOOK_SHARE = 4
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 60_000
const WAIT_FOR_OTHERS_MS = 20

export interface AccountKeeperParts extends KeeperParts {
  readonly clock: Clock
  readonly watchBudget: WatchBudget
  /** Accounts whose Maildirs have nothing left in them of a crash before this start. */
  readonly cleaned: Set<AccountId>
  /** Tells all workers. */
  readonly tell: (message: MirrorMessage) => void
}

/** Everything that is done in one account's Maildir, one thing after the other. */
export class AccountKeeper {
  readonly estate: Estate
  readonly #parts: AccountKeeperParts
  readonly #watches: Watches
  #tail: Promise<unknown> = Promise.resolve()
  #isDraining = false
  #isDue = false
  #retryMs = FIRST_RETRY_MS
  #cancelRetry: (() => void) | undefined
  #reviewMs = FIRST_RETRY_MS
  #cancelReview: (() => void) | undefined
  #cancelLook: (() => void) | undefined
  #lookTook = 0
  #isRedo: boolean
  #isReady = false
  #isClosed = false
  /** It is watched, and what other programs do comes in at once. */
  isHot = false
  /** When it was last asked for. */
  usedAt = 0

  constructor(parts: AccountKeeperParts, account: AccountId, root: string, isRedo: boolean) {
    this.#parts = parts
    this.#isRedo = isRedo
    this.estate = new Estate(parts, account, root)
    this.#watches = new Watches(this.estate, parts.watchBudget, () => this.#lookSoon())
  }

  /**
   * Does what commits ask for. Resolves when it is done, or is to be tried again later.
   * @param isWhole what is committed meanwhile as well
   */
  async drain(isWhole = true): Promise<void> {
    this.#isDue = true
    if (this.#isDraining) return this.#settled()
    this.#isDraining = true
    await this.#run(async () => {
      try {
        while (this.#isDue && !this.#isClosed) {
          this.#isDue = false
          await this.#drainNow(isWhole)
        }
      } finally {
        this.#isDraining = false
      }
    })
  }

  /** Brings in what other programs did. @throws when the Maildir cannot be read */
  async sync(options: { readonly onlyChanged?: boolean; readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.#run(async () => {
      await this.#drainNow()
      await this.#reviewNow()
      await this.#syncNow(options)
    })
  }

  /** From now on what other programs do comes in at once. */
  async heat(): Promise<void> {
    if (this.isHot) return
    await this.#run(async () => {
      if (this.isHot || this.#isClosed) return
      await this.#drainNow()
      this.#watches.update()
      await this.#syncNow({})
      this.isHot = true
      this.#watch()
    })
  }

  cool(): void {
    this.isHot = false
    this.#watches.close()
    this.#cancelLook?.()
    this.#cancelLook = undefined
    if (!this.#isDraining) this.estate.folders.clear()
  }

  /** The safety net below the watches. */
  async rescan(): Promise<void> {
    await this.#run(() => this.#syncNow({ onlyChanged: true }))
    if (this.isHot) this.#watch()
  }

  /** Between the last look and the first event of a directory something may have come into it. */
  #watch(): void {
    if (this.#watches.update() || this.estate.isUnsettled) this.#lookSoon()
  }

  /** Something is being written, or waits to be tried again. */
  get hasWork(): boolean {
    return this.#isDraining || this.#cancelRetry !== undefined || this.#cancelReview !== undefined
  }

  get isPartlyWatched(): boolean {
    return this.#watches.isPartial
  }

  /** Begins nothing more: another worker may be at work here already. */
  halt(): void {
    this.#isClosed = true
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    this.#cancelReview?.()
    this.#cancelReview = undefined
  }

  async close(): Promise<void> {
    this.halt()
    this.cool()
    await this.#settled()
    this.#parts.withheld.forget(this.estate.account)
  }

  async #drainNow(isWhole = true): Promise<void> {
    try {
      if (!this.#isReady) {
        await this.#prepare()
        this.#isReady = true
      }
      const { account } = this.estate
      const isClean = this.#parts.cleaned.has(account)
      const came = await drain(this.estate, {
        isRedo: this.#isRedo,
        isWhole: isWhole || this.#isRedo || !isClean,
        isStopped: () => this.#isClosed,
        onWritten: (load) => this.#parts.tell(['written', account, load]),
      })
      if (this.#isClosed) return
      const isDone = came === 'done'
      if (isDone) this.#parts.tell(['waiting', account, { operations: 0, bytes: 0 }])
      if (came === 'blocked') this.#retryIn(WAIT_FOR_OTHERS_MS)
      else if (isDone && (this.#isRedo || !isClean)) {
        await removeLeftovers(this.estate)
        this.#parts.cleaned.add(account)
      }
      this.#isRedo &&= came === 'blocked'
      if (isDone) this.#parts.withheld.settle(account)
      this.#reviewSoon()
      if (this.#retryMs > FIRST_RETRY_MS) {
        this.#retryMs = FIRST_RETRY_MS
        this.#parts.log.info({ account }, 'a Maildir takes its mail again')
      }
      if (this.isHot) this.#watch()
    } catch (err) {
      if (this.#isClosed) return
      // The mail is safe in the store, and stays there until this works.
      this.#isRedo = true
      const fault = faultOf(err, 'a Maildir cannot be written')
      // What is not there is a disk that is not mounted.
      const code = fault.code === 'NOT_FOUND' ? 'UNAVAILABLE' : fault.code
      this.#parts.log.error(
        { account: this.estate.account, path: this.estate.root, code, err },
        'a Maildir cannot be written; its mail waits in the store',
      )
      await this.#tellWaiting(code)
      this.#retryIn(this.#retryMs)
      this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2)
    }
  }

  /** Messages whose octets could not be read are tried again. */
  async #reviewNow(): Promise<void> {
    const { withheld, log } = this.#parts
    const { account } = this.estate
    if (this.#isClosed || withheld.of(account).size === 0) return
    try {
      await reviewWithheld(this.estate, () => this.#isClosed)
    } catch (err) {
      log.warn({ account, err }, 'messages that could not be read could not be tried again')
    }
    if (this.estate.doneUntil === undefined) await this.#drainNow()
    else this.#reviewSoon()
  }

  #reviewSoon(): void {
    const isNone = this.#parts.withheld.of(this.estate.account).size === 0
    if (isNone) this.#reviewMs = FIRST_RETRY_MS
    if (isNone || this.#isClosed || this.#cancelReview !== undefined) return
    this.#cancelReview = this.#parts.clock.after(this.#reviewMs, () => {
      this.#cancelReview = undefined
      void this.#run(() => this.#reviewNow())
    })
    this.#reviewMs = Math.min(LAST_RETRY_MS, this.#reviewMs * 2)
  }

  async #tellWaiting(code: MailErrorCode): Promise<void> {
    const { account } = this.estate
    try {
      this.#parts.tell(['waiting', account, { ...(await this.#parts.mirrored.load(account)), code }])
    } catch (err) {
      this.#parts.log.warn({ account, err }, 'what waits to be written could not be counted')
    }
  }

  /** A Maildir that was there and is not any more is on a disk that is not mounted: an empty one would lose everything. */
  async #prepare(): Promise<void> {
    const { account, root } = this.estate
    const stored = await storedPath(this.#parts.engine, account)
    if (stored !== undefined && !(await exists(join(root, 'cur')))) {
      throw new MailError('UNAVAILABLE', `${root} is not there; mount its disk, or move the Maildir of ${stored} there`)
    }
    await makeMaildir(root, false)
    if (stored !== root) await storePath(this.#parts.engine, account, root)
    await addMissingFolders(this.estate)
  }

  async #syncNow(options: { readonly onlyChanged?: boolean; readonly signal?: AbortSignal }): Promise<void> {
    if (this.#isClosed) return
    const began = performance.now()
    const { mirrored, withheld } = this.#parts
    await syncAccount(this.estate, () => pendingOf(mirrored, this.estate.account, withheld), options)
    this.#lookTook = performance.now() - began
  }

  #lookSoon(): void {
    if (!this.isHot || this.#cancelLook !== undefined) return
    const wait = Math.max(SETTLE_MS, Math.min(5_000, this.#lookTook * LOOK_SHARE))
    this.#cancelLook = this.#parts.clock.after(wait, () => {
      this.#cancelLook = undefined
      this.rescan().catch((err: unknown) => {
        this.#parts.log.warn({ account: this.estate.account, err }, 'a Maildir could not be looked at')
        this.#lookSoon()
      })
    })
  }

  #retryIn(ms: number): void {
    this.#cancelRetry?.()
    if (this.#isClosed) return
    this.#cancelRetry = this.#parts.clock.after(ms, () => {
      this.#cancelRetry = undefined
      void this.drain()
    })
  }

  #run<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#tail.then(work)
    this.#tail = next.catch(() => {})
    return next
  }

  async #settled(): Promise<void> {
    for (let tail: unknown; tail !== this.#tail; ) {
      tail = this.#tail
      await tail
    }
  }
}
