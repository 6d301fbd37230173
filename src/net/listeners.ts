import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { Connection } from '../kernel/moments.ts'
import { defineService } from '../kernel/service.ts'

/** Where to listen: `127.0.0.1:2525`, `[::1]:25`, `tls://127.0.0.1:2993` (TLS from the first byte), `unix:/run/x.sock`. */
export type EndpointText = string

export type Endpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: boolean }
  | { readonly kind: 'unix'; readonly path: string; readonly tls: boolean }

/** Limits of one listener. */
export interface ListenLimits {
  /** Connections at once. */
  readonly maxConnections: number
  /** Connections at once from one address (an IPv6 /64 counts as one). */
  readonly maxPerAddress: number
  /** How long a TLS handshake may take. */
  readonly handshakeTimeoutMs: number
}

/** A connection that was accepted and, on a `tls://` endpoint, has finished its handshake. */
export interface Accepted {
  readonly socket: Socket | TLSSocket
  /** Filled with the peer's address; `tls` is set on a `tls://` endpoint. */
  readonly connection: Connection
  readonly isTls: boolean
}

export interface ListenRequest {
  /** `smtp`, `imap`, … for logs, status and `Connection.protocol`. */
  readonly protocol: string
  readonly endpoints: readonly EndpointText[]
  readonly limits: ListenLimits
  /** Ask clients for a certificate, where the config names authorities for them: people log in here. */
  readonly asksForCertificate?: boolean
  /** Called for each connection. What it throws ends that connection and is logged. */
  onConnection(accepted: Accepted): void
  /** What to say to one too many before closing, e.g. `421 4.3.2 Too many connections\r\n`; nothing to close in silence. */
  refusal?(reason: 'total' | 'address'): string
}

export interface Listening {
  readonly endpoints: readonly {
    readonly text: EndpointText
    readonly address: string
    readonly port: number
    readonly tls: boolean
  }[]
  readonly connections: number
  /** Stops accepting; open connections go on. */
  close(): Promise<void>
}

/**
 * Opens every port of the server, so that limits, TLS, `reusePort`, and counting are the same for all protocols.
 * A connection is counted until its socket closes.
 */
export interface Listeners {
  /** @throws UserError that names the endpoint and what to do, when it is in use or not permitted */
  listen(request: ListenRequest): Promise<Listening>
  /** Everything that listens, for status. */
  list(): readonly { protocol: string; address: string; tls: boolean; connections: number }[]
}

export const listeners = defineService<Listeners>('core:listeners')

/** Our certificates: from the config, or a self-signed one in the data directory. */
export interface TlsContexts {
  /** The context for a server name (SNI), or the default one. Renewed certificates are picked up by reload. */
  contextFor(servername: string | undefined): SecureContext
  /** Wraps an accepted socket for STARTTLS or STLS and resolves after the handshake. @throws Error when it fails or outlives `timeoutMs` */
  upgrade(socket: Socket, timeoutMs: number, options?: { readonly asksForCertificate?: boolean }): Promise<TLSSocket>
  /** The client's certificate, when it was asked for, shown, and one of our authorities vouches for it. */
  clientCertificate(socket: TLSSocket): X509Certificate | undefined
  /** `SHA256 …` of the default certificate, and whether it is self-signed; for the start-up card. */
  readonly summary: {
    readonly fingerprint: string
    readonly isSelfSigned: boolean
    readonly certFile: string | undefined
  }
}

export const tlsContexts = defineService<TlsContexts>('core:tls')

/** DNS with the servers of the config. Every look-up has a timeout. */
export interface Dns {
  /** @throws Error with a `code` of node:dns (`ENOTFOUND`, `ENODATA`, `ESERVFAIL`, `ETIMEOUT`, …) */
  resolveMx(name: string): Promise<readonly { readonly exchange: string; readonly priority: number }[]>
  resolve4(name: string): Promise<readonly string[]>
  resolve6(name: string): Promise<readonly string[]>
  resolveTxt(name: string): Promise<readonly (readonly string[])[]>
  reverse(address: string): Promise<readonly string[]>
}

export const dns = defineService<Dns>('core:dns')

/** Sessions in progress: what `status` and `sessions` show, and what drain must end. */
export interface SessionInfo {
  readonly id: string
  readonly protocol: string
  readonly remoteAddress: string
  readonly openedAt: number
  readonly account?: string
  readonly state: string
  readonly tls: boolean
}

export interface Sessions {
  /** Adds a session; `describe` is asked whenever somebody looks. The returned function removes it. */
  add(describe: () => SessionInfo): () => void
  list(): readonly SessionInfo[]
}

export const sessions = defineService<Sessions>('core:sessions')
