/** Bounds of one session. Every buffer and every wait of the protocol has one of them. */
export interface ImapLimits {
  /** Octets of one line, literals not counted. RFC 7162 section 4 asks for 8192 at least. */
  readonly lineBytes: number
  /** Octets of one literal that is no message. */
  readonly literalBytes: number
  /** Octets of a whole command: lines and literals, messages not counted. */
  readonly commandBytes: number
  /** Literals of one command. */
  readonly literals: number
  /** Octets of a refused non-synchronising literal that are read and dropped; above it the connection ends. */
  readonly skipBytes: number
  /** Octets of a line, a literal and a command before login. */
  readonly unauthenticatedBytes: number
  /** How long a client may take to log in. */
  readonly loginTimeoutMs: number
  /** How long a client may say nothing. RFC 3501 section 5.4: not less than 30 minutes. */
  readonly idleTimeoutMs: number
  /** How long a client may pause inside a command, or leave an answer unread. */
  readonly stallTimeoutMs: number
  /** Commands in a row that are answered BAD before the connection ends. */
  readonly badCommands: number
  /** Failed logins of one connection before it ends. */
  readonly loginFailures: number
  /** Wait after the first failed login; doubles with each. */
  readonly loginDelayMs: number
  /** Characters of a keyword, and keywords of one message. */
  readonly keywordLength: number
  readonly keywords: number
  /** Parentheses inside each other in SEARCH. */
  readonly searchDepth: number
  /** Attributes of one FETCH and keys of one SEARCH. */
  readonly items: number
  /** Messages that one command works on, and that one COPY or APPEND saves; 0: no limit (RFC 9738). */
  readonly messages: number
  readonly saves: number
}

export const DEFAULT_LIMITS: ImapLimits = {
  lineBytes: 64 * 1024,
  literalBytes: 64 * 1024,
  commandBytes: 256 * 1024,
  literals: 64,
  skipBytes: 128 * 1024 * 1024,
  unauthenticatedBytes: 16 * 1024,
  loginTimeoutMs: 60_000,
  idleTimeoutMs: 30 * 60_000,
  stallTimeoutMs: 5 * 60_000,
  badCommands: 20,
  loginFailures: 4,
  loginDelayMs: 500,
  keywordLength: 64,
  keywords: 100,
  searchDepth: 32,
  items: 500,
  messages: 0,
  saves: 0,
}
