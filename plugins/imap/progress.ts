import type { Session } from './session.ts'

/** How often a client hears of a command that takes long. */
const INTERVAL_MS = 10_000
/** The largest number that a client must understand (RFC 9051 section 9, number). */
const MAX_NUMBER = 0xffffffff

/** The client that is told. */
export type Told = Pick<Session, 'clock' | 'out' | 'tag' | 'offer'>

/** Tells the client how far a long command has come (RFC 9585), so that neither it nor a proxy thinks it dead. */
export class Progress {
  readonly #session: Told
  /** Of one step. */
  readonly #goal: number | undefined
  readonly #steps: number
  #step = 0
  #done = 0
  #toldAt: number

  /**
   * @param goal things that the command goes through, e.g. messages; undefined when nobody knows
   * @param steps how often it goes through them
   */
  constructor(session: Told, goal: number | undefined, steps = 1) {
    this.#session = session
    this.#goal = goal
    this.#steps = steps
    this.#toldAt = session.clock.now()
  }

  /** To be called now and then, between responses. @param done things that are behind in this step */
  tell(done: number): void {
    this.#done = Math.max(this.#done, (this.#goal ?? 0) * this.#step + done)
    const now = this.#session.clock.now()
    if (now - this.#toldAt < INTERVAL_MS) return
    this.#toldAt = now
    this.again()
  }

  /** The same things once more. */
  nextStep(): void {
    this.#step += 1
  }

  /** Tells how far it has come, however short a time ago that was told. */
  again(): void {
    tellProgress(this.#session, this.#counts)
  }

  /** RFC 9585 section 4: the goal is positive, and is not reached before the command is done. */
  get #counts(): string {
    if (this.#goal === undefined) return `${Math.min(this.#done, MAX_NUMBER)} NIL`
    const goal = Math.max(1, this.#goal * this.#steps)
    return `${Math.min(this.#done, goal - 1)} ${goal}`
  }
}

/**
 * Tells the client, while something is waited for that says nothing itself, that the command goes on.
 * @param progress how far it has come; nobody knows when absent
 */
export async function whileWaiting<T>(session: Session, work: Promise<T>, progress?: Progress): Promise<T> {
  let cancel = () => {}
  const again = () => {
    cancel = session.clock.after(INTERVAL_MS, () => {
      if (!session.signal.aborted) {
        if (progress === undefined) tellProgress(session, 'NIL NIL')
        else progress.again()
      }
      again()
    })
  }
  again()
  try {
    return await work
  } finally {
    cancel()
  }
}

function tellProgress({ out, tag, offer }: Told, counts: string): void {
  if (!offer.has('INPROGRESS')) return
  // RFC 9585 section 4: a tag that would end the code is not named.
  out.untagged(`OK [INPROGRESS (${tag.includes(']') ? 'NIL' : `"${tag}"`} ${counts})] Still working`)
  out.flush()
}
