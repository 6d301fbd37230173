import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { directory } from '../../directory/directory.ts'
import { UserError } from '../../errors/user-error.ts'
import { parseAddress } from '../../mail/address.ts'
import { openOffline } from '../../server/offline.ts'
import { mailStore } from '../../store/mail-store.ts'
import { crashNumber, isWhole } from './crash-message.ts'

export interface Found {
  readonly stored: number
  /** How often each number is there. */
  readonly counts: ReadonlyMap<number, number>
  /** What is wrong with a message, by its UID. */
  readonly damaged: readonly string[]
}

/** Opens the store as a server does after the crash, and reads every message of the account. */
export async function countMail(config: ResolvedConfig, address: string): Promise<Found> {
  const offline = await openOffline(config)
  try {
    const parsed = parseAddress(address)
    const account = parsed && (await offline.host.service(directory).accountByAddress(parsed))
    if (account === undefined) throw new UserError(`The account ${address} is gone after the crash.`)
    const store = offline.host.service(mailStore)
    const inbox = await store.mailbox(account.id, 'INBOX')
    const counts = new Map<number, number>()
    const damaged: string[] = []
    let stored = 0
    for await (const states of store.states(account.id, inbox.id)) {
      for (const { uid } of states) {
        stored += 1
        const message = await store.read(account.id, inbox.id, uid).catch((error: Error) => error)
        const number = message instanceof Error ? undefined : crashNumber(message)
        if (message instanceof Error) damaged.push(`UID ${uid}: ${message.message}`)
        else if (number === undefined || !isWhole(message, number)) damaged.push(`UID ${uid}: not what was sent`)
        if (number !== undefined) counts.set(number, (counts.get(number) ?? 0) + 1)
      }
    }
    return { stored, counts, damaged }
  } finally {
    await offline[Symbol.asyncDispose]()
  }
}
