/** How a next hop is spoken to. */
export type TlsMode =
  /** STARTTLS must be offered and succeed, with a certificate for the host. */
  | 'starttls'
  /** TLS from the first byte, with a certificate for the host. */
  | 'implicit'
  /** STARTTLS when it is offered, whatever the certificate (RFC 7435). */
  | 'opportunistic'
  | 'none'

/** A server that was named, instead of found by MX. */
export interface NamedHop {
  readonly host: string
  readonly port: number
  readonly tls: TlsMode
}

/** Ports of SMTP relay, submission (RFC 6409) and submission over TLS (RFC 8314). */
const RELAY_PORT = 25
const SUBMISSION_PORT = 587
const SUBMISSIONS_PORT = 465

const TLS_MODES: ReadonlySet<string> = new Set(['starttls', 'implicit', 'opportunistic', 'none'])

/**
 * Reads `smtp://gw.example:2525`, `smtps://gw.example`, `smtp://gw.example?tls=none`; a bare `gw.example:25` is smtp.
 * With credentials in it, smtp means port 587 and STARTTLS, as submission does.
 * @returns undefined when it is none
 */
export function parseNextHop(text: string): (NamedHop & { user?: string; password?: string }) | undefined {
  const url = URL.parse(text.includes('://') ? text : `smtp://${text}`)
  if (url === null || (url.protocol !== 'smtp:' && url.protocol !== 'smtps:') || url.hostname === '') return undefined
  if (url.pathname !== '' && url.pathname !== '/') return undefined
  const isImplicit = url.protocol === 'smtps:'
  const hasUser = url.username !== ''
  const asked = url.searchParams.get('tls')
  if (asked !== null && !TLS_MODES.has(asked)) return undefined
  const usual = isImplicit ? 'implicit' : hasUser ? 'starttls' : 'opportunistic'
  const usualPort = isImplicit ? SUBMISSIONS_PORT : hasUser ? SUBMISSION_PORT : RELAY_PORT
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? usualPort : Number(url.port),
    tls: (asked ?? usual) as TlsMode,
    ...(hasUser && { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }),
  }
}

export const formatNextHop = ({ host, port, tls }: NamedHop): string =>
  `${tls === 'implicit' ? 'smtps' : 'smtp'}://${host.includes(':') ? `[${host}]` : host}:${port}`
