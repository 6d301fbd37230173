import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'

/** How a load generator comes to a server. */
export interface Way {
  readonly port: number
  /** TLS from the first byte. */
  readonly tls: boolean
  /** Where to connect from: each address of 127.0.0.0/8 has ports of its own. */
  readonly localAddress?: string
}

const TIMEOUT_MS = 30_000

/** Connects; a session ticket is not used, so that every connection pays for a handshake as a stranger's would. */
export async function open({ port, tls, localAddress }: Way): Promise<Socket | TLSSocket> {
  const where = { port, host: '127.0.0.1', ...(localAddress !== undefined && { localAddress }) }
  const socket = tls ? connectTls({ ...where, rejectUnauthorized: false }) : connect(where)
  socket.setNoDelay(true)
  await once(socket, tls ? 'secureConnect' : 'connect', { signal: AbortSignal.timeout(TIMEOUT_MS) })
  return socket
}
