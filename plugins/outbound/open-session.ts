import { connect as connectSocket, isIP, type Socket } from 'node:net'
import type { TlsMode } from './next-hop.ts'
import { ParameterConnection } from './parameter-connection.ts'
import { type ClientError, faultOf, SmtpFault } from './smtp-fault.ts'

export interface Timeouts {
  readonly connect: number
  readonly greeting: number
  readonly command: number
  readonly data: number
}

export interface Endpoint {
  readonly address: string
  readonly port: number
  /** Name for SNI and the certificate. */
  readonly name: string
  readonly tls: TlsMode
  /** Refuse a certificate that is not for `name`, or of no known authority. */
  readonly verify: boolean
  readonly ca?: string
  readonly auth?: { readonly user: string; readonly pass: string }
}

export interface ClientOptions {
  readonly heloName: string
  readonly sourceAddress?: string | undefined
  readonly timeouts: Timeouts
}

/** A server that says more than this in one reply is cut off. */
const MAX_REPLY_BYTES = 64 * 1024

/** Connects, greets, and secures as the endpoint asks for. @throws SmtpFault */
export async function openSession(
  endpoint: Endpoint,
  options: ClientOptions,
  signal: AbortSignal,
): Promise<ParameterConnection> {
  const socket = await open(endpoint, options, signal)
  const { timeouts } = options
  const connection = new ParameterConnection({
    connection: socket,
    host: endpoint.address,
    ...(isIP(endpoint.name) === 0 && !endpoint.name.startsWith('[') && { servername: endpoint.name }),
    port: endpoint.port,
    name: options.heloName,
    secure: endpoint.tls === 'implicit',
    ignoreTLS: endpoint.tls === 'none',
    requireTLS: endpoint.tls === 'starttls',
    tls: { rejectUnauthorized: endpoint.verify, ...(endpoint.ca !== undefined && { ca: endpoint.ca }) },
    connectionTimeout: timeouts.greeting + timeouts.connect,
    greetingTimeout: timeouts.greeting,
    socketTimeout: timeouts.command,
    maxResponseSize: MAX_REPLY_BYTES,
    logger: false,
  })
  await begin(connection, signal)
  return connection
}

/** Opens the TCP connection alone, so that a host that is down is told from one that is rude. */
function open(endpoint: Endpoint, { sourceAddress, timeouts }: ClientOptions, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const isSameFamily = sourceAddress !== undefined && isIP(sourceAddress) === isIP(endpoint.address)
    const socket = connectSocket({
      host: endpoint.address,
      port: endpoint.port,
      noDelay: true,
      ...(isSameFamily && { localAddress: sourceAddress }),
    })
    const finish = (then: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.removeAllListeners('connect')
      then()
    }
    const fail = (message: string, cause?: unknown) =>
      finish(() => {
        socket.destroy()
        reject(new SmtpFault('connect', message, { cause }))
      })
    const onAbort = () => fail('The attempt was broken off', signal.reason)
    const timer = setTimeout(() => fail('The connection timed out'), timeouts.connect)
    // Stays on: an error between here and the client's own listener must not end the process.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      fail(`Connection failed (${error.code ?? error.message})`, error),
    )
    socket.once('connect', () => finish(() => resolve(socket)))
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}

/** Greeting, EHLO, and TLS. */
function begin(connection: ParameterConnection, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: ClientError) => {
      const isTls = cause.code === 'ETLS' || connection.upgrading === true || connection.isAskingForTls
      finish(() => {
        connection.close()
        reject(faultOf(isTls ? 'tls' : 'session', cause))
      })
    }
    const onAbort = () => fail(signal.reason)
    const onEnd = () => fail(new Error('The connection was closed'))
    const finish = (then: () => void) => {
      signal.removeEventListener('abort', onAbort)
      connection.removeListener('end', onEnd)
      connection.removeListener('error', fail)
      then()
    }
    connection.on('error', () => {
      // An error event that nobody hears ends the process; what it means is heard below and in the client.
    })
    connection.on('error', fail)
    connection.on('end', onEnd)
    signal.addEventListener('abort', onAbort, { once: true })
    connection.connect((error) => {
      if (error) return fail(error)
      finish(resolve)
    })
  })
}
