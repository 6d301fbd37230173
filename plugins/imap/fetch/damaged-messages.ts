/** UIDs that are named to the client. */
const MAX_NAMED = 10

/** The octets of these messages cannot be read; every other message was sent. */
export class DamagedMessages extends Error {
  override readonly name = 'DamagedMessages'

  constructor(uids: readonly number[]) {
    const named = uids.slice(0, MAX_NAMED).join(', ')
    const more = uids.length > MAX_NAMED ? ` and ${uids.length - MAX_NAMED} more` : ''
    super(`Damaged and cannot be read: the message with UID ${named}${more}; all others were sent`)
  }
}
