import type { Session } from './session.ts'

/** How often a client hears of a command that takes long. */
const INTERVAL_MS = 10_000

/** The client that is told. */
export type Told = Pick<Session, 'clock' | 'out' | 'tag' | 'offer'>

/** Tells the client how far a long command has come (RFC 9585), so that neither it nor a proxy thinks it dead. */
export class Progress {
  readonly #session: Told
  readonly #goal: number
  #toldAt: number

  /** @param goal messages that the command goes through */
  constructor(session: Told, goal: number) {
    this.#session = session
    this.#goal = goal
    this.#toldAt = session.clock.now()
  }

  /** To be called now and then, between responses. @param done messages that are behind */
  tell(done: number): void {
    const now = this.#session.clock.now()
    if (now - this.#toldAt < INTERVAL_MS) return
    this.#toldAt = now
    tellProgress(this.#session, `${done} ${Math.max(done, this.#goal)}`)
  }
}

/** Tells the client, while something is waited for that says nothing itself, that the command goes on. */
export async function whileWaiting<T>(session: Session, work: Promise<T>): Promise<T> {
  let cancel = () => {}
  const again = () => {
    cancel = session.clock.after(INTERVAL_MS, () => {
      if (!session.signal.aborted) tellProgress(session, 'NIL NIL')
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
  // RFC 9585 section 4: a tag that would end the code is left out.
  out.untagged(
    tag.includes(']') ? 'OK [INPROGRESS] Still working' : `OK [INPROGRESS ("${tag}" ${counts})] Still working`,
  )
  out.flush()
}
