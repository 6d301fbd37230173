import { type AddressInfo, isIP, type Server } from 'node:net'
import { Acceptor, type AcceptorTools, type LocalSide } from './acceptor.ts'
import { bind, closeNow } from './bind.ts'
import { formatEndpoint, parseEndpoint } from './endpoint.ts'
import { warnOnFewFiles } from './file-limit.ts'
import type { Endpoint, Listeners, Listening, ListenRequest } from './listeners.ts'
import { normalizeAddress } from './peer-address.ts'

/** A fault of accept (no file descriptor left) comes in bursts: one line a minute says enough. */
const ACCEPT_FAULT_LOG_MS = 60_000

interface Port {
  readonly protocol: string
  readonly server: Server
  readonly bound: Endpoint
  connections: number
}

export interface PortListenersOptions extends AcceptorTools {
  readonly reusePort: boolean
}

/** Every port of this worker. */
export class PortListeners implements Listeners {
  readonly #options: PortListenersOptions
  readonly #ports = new Set<Port>()
  readonly #acceptors = new Set<Acceptor>()

  constructor(options: PortListenersOptions) {
    this.#options = options
  }

  async listen(request: ListenRequest): Promise<Listening> {
    const endpoints = request.endpoints.map(parseEndpoint)
    await warnOnFewFiles(request, this.#options.log)
    const acceptor = new Acceptor(request, this.#options)
    const ports: Port[] = []
    const close = async () => {
      const closed = ports.map(async (port) => {
        await closeNow(port.server)
        // Not before: whoever sees a list without it may count on nobody coming in there any more.
        this.#ports.delete(port)
      })
      await Promise.all(closed)
    }
    try {
      for (const endpoint of endpoints) ports.push(await this.#open(request, endpoint, acceptor))
    } catch (cause) {
      await close()
      acceptor.destroy()
      throw cause
    }
    this.#acceptors.add(acceptor)
    return {
      endpoints: ports.map(({ bound }) => ({ text: formatEndpoint(bound), ...whereOf(bound), tls: bound.tls })),
      get connections() {
        return acceptor.connections
      },
      close,
    }
  }

  list(): ReturnType<Listeners['list']> {
    return Array.from(this.#ports, ({ protocol, bound, connections }) => ({
      protocol,
      address: formatEndpoint({ ...bound, tls: false }),
      tls: bound.tls,
      connections,
    }))
  }

  /** Closes every port and cuts every connection. Safe to repeat. */
  async stop(): Promise<void> {
    const ports = [...this.#ports]
    this.#ports.clear()
    await Promise.all(ports.map(({ server }) => closeNow(server)))
    for (const acceptor of this.#acceptors) acceptor.destroy()
    this.#acceptors.clear()
  }

  async #open(request: ListenRequest, endpoint: Endpoint, acceptor: Acceptor): Promise<Port> {
    const leave = () => {
      port.connections -= 1
    }
    let local: LocalSide | undefined
    const server = await bind(endpoint, this.#options, (socket) => {
      if (acceptor.accept(socket, endpoint, local, leave)) port.connections += 1
    })
    local = localSideOf(server)
    const port: Port = { protocol: request.protocol, server, bound: boundTo(endpoint, server), connections: 0 }
    this.#watch(port)
    this.#ports.add(port)
    return port
  }

  #watch({ server, bound, protocol }: Port): void {
    const { clock, log } = this.#options
    let silentUntil = 0
    server.on('error', (err) => {
      if (clock.now() < silentUntil) return
      silentUntil = clock.now() + ACCEPT_FAULT_LOG_MS
      log.error({ err, protocol, endpoint: formatEndpoint(bound) }, 'a connection could not be accepted')
    })
  }
}

/** The endpoint with the port it really got. */
function boundTo(endpoint: Endpoint, server: Server): Endpoint {
  return endpoint.kind === 'unix' ? endpoint : { ...endpoint, port: (server.address() as AddressInfo).port }
}

/** Of all its connections; undefined when it listens on every address. */
function localSideOf(server: Server): LocalSide | undefined {
  const bound = server.address()
  if (bound === null || typeof bound === 'string' || isIP(bound.address) === 0) return undefined
  const isEvery = bound.address === '0.0.0.0' || bound.address === '::'
  return isEvery ? undefined : { address: normalizeAddress(bound.address), port: bound.port }
}

function whereOf(bound: Endpoint): { address: string; port: number } {
  return bound.kind === 'unix' ? { address: bound.path, port: 0 } : { address: bound.host, port: bound.port }
}
