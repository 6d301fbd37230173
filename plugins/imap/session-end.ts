/** Ends the session after BYE with this text. */
export class SessionEnd extends Error {
  override readonly name = 'SessionEnd'
}

/** A response was cut in the middle: nothing that follows could be understood. */
export class BrokenResponse extends Error {
  override readonly name = 'BrokenResponse'
}
