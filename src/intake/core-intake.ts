import type { Connection } from '../kernel/moments.ts'
import type { Envelope } from '../mail/envelope.ts'
import { REFUSED, refusalFor } from './answers.ts'
import type { IntakeCore } from './core.ts'
import type { Intake, IntakeRole, IntakeSession, Receipt } from './intake.ts'
import { newMessageId } from './message-id.ts'
import { ownParcel } from './own-parcel.ts'
import { commitPlans, isQuotaRace, NotCommitted, type Parcel, type Plan, planParcel } from './parcel.ts'
import { planReports, type ReportedCopy } from './report-parcel.ts'
import { CoreSession } from './session.ts'

/** The one way in for every message. */
export class CoreIntake implements Intake {
  readonly #core: IntakeCore

  constructor(core: IntakeCore) {
    this.#core = core
  }

  open(connection: Connection, role: IntakeRole): IntakeSession {
    return new CoreSession(this.#core, connection, role)
  }

  async inject(envelope: Envelope, message: Buffer): Promise<Receipt> {
    const id = newMessageId(this.#core.clock.now())
    try {
      const isReport = envelope.sender === undefined
      const parcel = await ownParcel(this.#core, { id, envelope, message, isReport, about: 'made by this server' })
      if (parcel === undefined) return { id, answer: REFUSED.unknownUser }
      return { id, answer: await this.#deliver(parcel) }
    } catch (error) {
      this.#core.log.error({ message: id, err: error }, 'a message of our own could not be taken')
      return { id, answer: refusalFor(error instanceof NotCommitted ? error.cause : error) }
    }
  }

  async #deliver(parcel: Parcel): Promise<Receipt['answer']> {
    let isNeeded = false
    try {
      for (let round = 1; ; round++) {
        const plan = await planParcel(this.#core, parcel)
        if (plan.deliveries.length === 0 && parcel.destinations.remote.size === 0) {
          return refusalFor([...plan.refused.values()][0])
        }
        const reports = await planReports(this.#core, parcel, failuresOf(plan))
        try {
          isNeeded = true
          await commitPlans(this.#core, [{ ...plan, events: [...plan.events, ...reports.events] }, ...reports.plans])
          return { ok: true, text: `Accepted as ${parcel.id}` }
        } catch (error) {
          if (error instanceof NotCommitted) {
            isNeeded = false
            await reports.discard()
          }
          if (!isQuotaRace(error) || round === MAX_ROUNDS) throw error
        }
      }
    } finally {
      if (!isNeeded) await this.#core.blobs.release(parcel.blob).catch(() => {})
    }
  }
}

const MAX_ROUNDS = 4

function failuresOf({ refused, parcel }: Plan): ReportedCopy[] {
  return [...refused].flatMap(([account, error]) => {
    const copy = parcel.destinations.local.get(account)
    return copy === undefined ? [] : [{ kind: 'failed', copy, refusal: refusalFor(error) }]
  })
}
