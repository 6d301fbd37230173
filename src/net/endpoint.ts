import { isIPv4, isIPv6 } from 'node:net'
import { isAbsolute } from 'node:path'
import { UserError } from '../errors/user-error.ts'
import type { Endpoint, EndpointText } from './listeners.ts'
import { DRAFT_SUFFIX_BYTES } from './unix-endpoint.ts'

const EXPECTED = "'127.0.0.1:2525', '[::1]:25', '*:25', 'tls://127.0.0.1:993' or 'unix:/run/x.sock'"
const TLS_SCHEME = 'tls://'
const UNIX_SCHEME = 'unix:'
const MAX_PORT = 65_535

/** What `sun_path` holds on the BSDs (Linux has a little more), its final NUL and the suffix of a draft left out. */
const MAX_UNIX_PATH_BYTES = 103 - DRAFT_SUFFIX_BYTES

/**
 * Reads an endpoint. The host `*` means every address of this machine, IPv4 and IPv6; port 0 means any free port.
 * @throws UserError that says what was expected
 */
export function parseEndpoint(text: EndpointText): Endpoint {
  const tls = text.startsWith(TLS_SCHEME)
  const rest = tls ? text.slice(TLS_SCHEME.length) : text
  if (rest.startsWith(UNIX_SCHEME)) return { kind: 'unix', path: unixPath(text, rest.slice(UNIX_SCHEME.length)), tls }
  if (rest.includes('/')) throw wrong(text)
  const colon = rest.lastIndexOf(':')
  if (colon < 0) throw wrong(text, 'it has no port')
  return { kind: 'tcp', host: hostOf(text, rest.slice(0, colon)), port: portOf(text, rest.slice(colon + 1)), tls }
}

/** The endpoint as `parseEndpoint` reads it. */
export function formatEndpoint(endpoint: Endpoint): EndpointText {
  const scheme = endpoint.tls ? TLS_SCHEME : ''
  if (endpoint.kind === 'unix') return `${scheme}${UNIX_SCHEME}${endpoint.path}`
  const host = isIPv6(endpoint.host) ? `[${endpoint.host}]` : endpoint.host
  return `${scheme}${host}:${endpoint.port}`
}

function hostOf(text: string, host: string): string {
  if (host.startsWith('[') && host.endsWith(']')) {
    const address = host.slice(1, -1)
    if (isIPv6(address)) return address
    throw wrong(text, `${address} is no IPv6 address`)
  }
  if (host === '*' || isIPv4(host)) return host
  if (host === 'localhost') return '127.0.0.1'
  if (host.includes(':')) throw wrong(text, 'an IPv6 address stands in brackets')
  throw wrong(text, host === '' ? 'it has no address' : `${host} is no IP address`)
}

function portOf(text: string, port: string): number {
  const number = Number(port)
  if (/^\d{1,5}$/.test(port) && number <= MAX_PORT) return number
  throw wrong(text, `${port === '' ? 'nothing' : port} is no port between 0 and ${MAX_PORT}`)
}

function unixPath(text: string, path: string): string {
  if (!isAbsolute(path)) throw wrong(text, 'the path of a unix socket is absolute')
  if (path.includes('\0')) throw wrong(text, 'the path has a NUL in it')
  if (Buffer.byteLength(path) > MAX_UNIX_PATH_BYTES) {
    throw wrong(text, `the path of a unix socket has ${MAX_UNIX_PATH_BYTES} bytes at most`)
  }
  return path
}

function wrong(text: string, why?: string): UserError {
  return new UserError(
    `${JSON.stringify(text)} is no endpoint${why === undefined ? '' : `: ${why}`}. Expected ${EXPECTED}.`,
  )
}
