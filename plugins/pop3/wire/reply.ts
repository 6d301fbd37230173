/** Response codes (RFC 2449 section 8, RFC 3206 section 3). */
export type ResponseCode = 'IN-USE' | 'LOGIN-DELAY' | 'AUTH' | 'SYS/TEMP' | 'SYS/PERM'

/** Octets that hold something open until `return` is called or they are at their end. */
export interface Octets {
  next(): Promise<IteratorResult<Buffer, void>>
  return(): Promise<unknown>
  /** Called once the client has been sent all of them. */
  sent?(): void
}

/** What a command answers. The session writes it; no command writes to the connection. */
export interface Reply {
  /** The first line, without its end. */
  readonly status: string
  /** Lines of a multi-line response, without their ends. No line begins with a dot. */
  readonly lines?: Iterable<string>
  /** The octets of a multi-line response, dot-stuffed, the line of a single dot left out. Whoever sends it ends it. */
  readonly octets?: Octets
  /** What happens once it is sent. */
  readonly next?: 'close' | 'start-tls' | { readonly answer: (line: string) => Promise<Reply> }
  /** What went wrong, for the log. */
  readonly cause?: unknown
  /** The client did something wrong: this many times is enough for the session to end. */
  readonly isClientFault?: boolean
}

export const ok = (text: string): Reply => ({ status: `+OK ${text}` })

/** A refusal that is not the client's fault. */
export const refuse = (text: string, code?: ResponseCode): Reply => ({
  status: code === undefined ? `-ERR ${text}` : `-ERR [${code}] ${text}`,
})

/** A command that is wrong in itself or out of place. */
export const fault = (text: string): Reply => ({ ...refuse(text), isClientFault: true })

export const close = (reply: Reply): Reply => ({ ...reply, next: 'close' })
