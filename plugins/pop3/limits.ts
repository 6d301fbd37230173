/** What one session may cost. */
export interface SessionLimits {
  /** RFC 1939 section 3: the autologout timer is ten minutes at least. */
  readonly idleTimeoutMs: number
  /** From the connection to a successful login. */
  readonly loginTimeoutMs: number
  readonly handshakeTimeoutMs: number
  /** How long a client may take to read what fills our buffer. */
  readonly stallTimeoutMs: number
  /** Commands that are wrong or out of place. */
  readonly maxFaults: number
  readonly maxLoginFailures: number
  /** Wait before a failed login is answered; doubles with each. */
  readonly failureDelayMs: number
}

/**
 * Octets of a line. RFC 2449 section 4 has 255 for a command; a SASL response on a line of its own may be longer
 * (RFC 5034 section 4).
 */
export const MAX_LINE_BYTES = 4096
