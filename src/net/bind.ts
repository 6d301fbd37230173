import { createServer, type ListenOptions, type Server, type Socket } from 'node:net'
import { UserError } from '../errors/user-error.ts'
import { formatEndpoint } from './endpoint.ts'
import type { Endpoint } from './listeners.ts'
import { listening } from './listening.ts'
import { bindUnix, unbindUnix } from './unix-endpoint.ts'

/** Connections that the kernel keeps for us while we are busy. */
const BACKLOG = 1024
const KEEP_ALIVE_AFTER_MS = 60_000
const FIRST_UNPRIVILEGED_PORT = 1024

export interface BindOptions {
  /** Lets the workers, and the old and the new ones at a reload, share a TCP port. */
  readonly reusePort: boolean
}

/**
 * Listens on the endpoint.
 * @throws UserError that names the endpoint and what to do, when it cannot be had
 */
export async function bind(
  endpoint: Endpoint,
  options: BindOptions,
  onSocket: (socket: Socket) => void,
): Promise<Server> {
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS }, onSocket)
  try {
    if (endpoint.kind === 'unix') await bindUnix(server, endpoint.path, BACKLOG)
    else await listening(server, tcpOptions(endpoint, options))
    return server
  } catch (cause) {
    throw explain(endpoint, cause)
  }
}

/**
 * Makes sure that no other process has the endpoint. `reusePort` alone would let two servers of one user share a port
 * without a word.
 * @throws UserError as `bind` does
 */
export async function assertFree(endpoint: Endpoint): Promise<void> {
  if (endpoint.kind === 'unix' || endpoint.port === 0) return
  const server = await bind(endpoint, { reusePort: false }, (socket) => socket.destroy())
  await closeNow(server)
}

/** Stops accepting. Does not wait for the connections that are open, as the server's own callback would. */
export async function closeNow(server: Server): Promise<void> {
  // The kernel resets connections that it has taken and we have not: close right after a turn that took all there were.
  await turnOfTheLoop()
  await turnOfTheLoop()
  server.close()
  await unbindUnix(server)
  await turnOfTheLoop()
}

function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function tcpOptions(endpoint: Endpoint & { kind: 'tcp' }, { reusePort }: BindOptions): ListenOptions {
  const host = endpoint.host === '*' ? {} : { host: endpoint.host }
  return { port: endpoint.port, backlog: BACKLOG, reusePort, ...host }
}

function explain(endpoint: Endpoint, cause: unknown): unknown {
  if (cause instanceof UserError) return cause
  const name = formatEndpoint(endpoint)
  const { code, message } = cause as NodeJS.ErrnoException
  switch (code) {
    case 'EADDRINUSE':
      return new UserError(`${name} is in use by another process.`, { cause, nextSteps: stepsWhenInUse(endpoint) })
    case 'EACCES':
    case 'EPERM':
      return new UserError(`${name}: permission denied.`, { cause, nextSteps: stepsWhenDenied(endpoint) })
    case 'EADDRNOTAVAIL':
      return new UserError(`${name}: this machine has no such address.`, {
        cause,
        nextSteps: ['See its addresses with: ip address', "Or listen on all of them: '*:PORT'"],
      })
    default:
      return new UserError(`${name} cannot be listened on: ${message}`, { cause })
  }
}

function stepsWhenInUse(endpoint: Endpoint): string[] {
  const find = endpoint.kind === 'unix' ? `ss -lxp | grep ${endpoint.path}` : `ss -ltnp 'sport = :${endpoint.port}'`
  return [`See which: ${find}`, 'Stop it, or choose another endpoint in `listen`']
}

function stepsWhenDenied(endpoint: Endpoint): string[] {
  if (endpoint.kind === 'unix') return ['Make its directory writable for this user, or choose another path']
  if (endpoint.port >= FIRST_UNPRIVILEGED_PORT) return ['Choose another port in `listen`']
  return [
    `Ports below ${FIRST_UNPRIVILEGED_PORT} need a permission: sudo setcap cap_net_bind_service=+ep "$(readlink -f "$(command -v node)")"`,
    'Or listen on a higher port and redirect to it',
  ]
}
