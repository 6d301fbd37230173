import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../kernel/clock.ts'
import { LiveSet } from '../kernel/live-set.ts'
import type { Log } from '../kernel/log.ts'
import type { Connection } from '../kernel/moments.ts'
import { RandomOctets } from '../kernel/random-octets.ts'
import { Slots } from '../kernel/slot.ts'
import { ConnectionCount } from './connection-count.ts'
import { tlsFacts } from './handshake.ts'
import type { HandshakeSlots } from './handshake-slots.ts'
import type { Endpoint, ListenRequest, TlsContexts } from './listeners.ts'
import { LOCAL_PEER, normalizeAddress } from './peer-address.ts'

/** How long one too many may take to read why it is refused. */
const REFUSAL_LINGER_MS = 1_000
/** Refused peers that linger at once; beyond them a refusal is silent. */
const MAX_REFUSALS = 100

const ID_BYTES = 9
const ids = new RandomOctets(ID_BYTES)

/** The side of a connection that is ours. */
export interface LocalSide {
  readonly address: string
  readonly port: number
}

export interface AcceptorTools {
  readonly tls: TlsContexts
  readonly handshakes: HandshakeSlots
  readonly clock: Clock
  readonly log: Log
}

/** What happens to each connection of one listener between the kernel and the protocol. */
export class Acceptor {
  readonly #request: ListenRequest
  readonly #tools: AcceptorTools
  readonly #count: ConnectionCount
  readonly #open = new LiveSet<Socket>()
  #refusals = 0

  constructor(request: ListenRequest, tools: AcceptorTools) {
    this.#request = request
    this.#tools = tools
    this.#count = new ConnectionCount(request.limits)
  }

  get connections(): number {
    return this.#count.total
  }

  /**
   * Takes a socket from the server of `endpoint`. Never throws.
   * @param local where it came in, when that is known without asking the system
   */
  accept(socket: Socket, endpoint: Endpoint, local: LocalSide | undefined, onClose: () => void): boolean {
    socket.on('error', ignore)
    const isUnix = endpoint.kind === 'unix'
    const address = isUnix ? LOCAL_PEER : socket.remoteAddress && normalizeAddress(socket.remoteAddress)
    if (address === undefined || address === '') {
      // Reset before it was accepted: it has no address any more.
      socket.destroy()
      return false
    }
    const uncount = this.#count.enter(isUnix ? undefined : address)
    if (typeof uncount === 'string') {
      this.#refuse(socket, endpoint, uncount, address)
      return false
    }
    const leave = this.#open.add(socket)
    socket.once('close', () => {
      uncount()
      leave()
      onClose()
      // A socket stays until the whole heap is looked through, for a function of its stream is in V8's old generation from
      // the start. What has listened to it need not.
      socket.removeAllListeners().on('error', ignore)
    })
    void this.#handOver(socket, endpoint, address, local ?? localSideOf(socket))
    return true
  }

  /** Cuts every connection that is still open. */
  destroy(): void {
    for (const socket of this.#open) socket.destroy()
  }

  async #handOver(raw: Socket, endpoint: Endpoint, address: string, local: LocalSide): Promise<void> {
    const { clock, log } = this.#tools
    const { protocol } = this.#request
    const connection = {
      id: ids.next().toString('base64url'),
      protocol,
      remoteAddress: address,
      remotePort: raw.remotePort ?? 0,
      localAddress: local.address,
      localPort: local.port,
      openedAt: clock.now(),
      slots: new Slots(),
    } satisfies Connection
    let secure: TLSSocket | undefined
    try {
      if (endpoint.tls) secure = await this.#handshake(raw)
    } catch (err) {
      const reason = err instanceof Error ? err.message : String(err)
      log.debug({ session: connection.id, protocol, remoteAddress: address, reason }, 'TLS handshake failed')
      raw.destroy()
      return
    }
    try {
      // An async handler fits the type as well: its rejection must not become the process's.
      await this.#request.onConnection(
        secure === undefined
          ? { socket: raw, connection, isTls: false }
          : { socket: secure, connection: { ...connection, tls: tlsFacts(secure) }, isTls: true },
      )
    } catch (err) {
      log.error({ err, session: connection.id, protocol }, 'a connection could not be served')
      secure?.destroy()
      raw.destroy()
    }
  }

  async #handshake(raw: Socket): Promise<TLSSocket> {
    const { clock, handshakes, tls } = this.#tools
    const { handshakeTimeoutMs } = this.#request.limits
    const until = clock.now() + handshakeTimeoutMs
    const aborted = new AbortController()
    const onClose = () => aborted.abort(new Error('the peer left before the TLS handshake'))
    const cancel = clock.after(handshakeTimeoutMs, () =>
      aborted.abort(new Error(`no TLS handshake within ${handshakeTimeoutMs} ms`)),
    )
    raw.once('close', onClose)
    let release = () => {}
    try {
      // Who says nothing takes no place.
      await firstOctets(raw, aborted.signal)
      release = await handshakes.take(aborted.signal)
      const { asksForCertificate = false } = this.#request
      return await tls.upgrade(raw, Math.max(1, until - clock.now()), { asksForCertificate })
    } finally {
      cancel()
      release()
      raw.off('close', onClose)
    }
  }

  #refuse(socket: Socket, endpoint: Endpoint, reason: 'total' | 'address', remoteAddress: string): void {
    const { clock, log } = this.#tools
    log.debug({ protocol: this.#request.protocol, remoteAddress, reason }, 'too many connections')
    const text = endpoint.tls || this.#refusals >= MAX_REFUSALS ? undefined : this.#refusalText(reason)
    if (text === undefined) {
      socket.destroy()
      return
    }
    this.#refusals += 1
    const cancel = clock.after(REFUSAL_LINGER_MS, () => socket.destroy())
    socket.once('close', () => {
      this.#refusals -= 1
      cancel()
    })
    // What it has sent must be read: closing with unread octets resets, and a reset takes our text with it.
    socket.resume()
    socket.end(text)
  }

  #refusalText(reason: 'total' | 'address'): string | undefined {
    try {
      return this.#request.refusal?.(reason)
    } catch (err) {
      this.#tools.log.error({ err, protocol: this.#request.protocol }, 'there is no text for a refusal')
      return undefined
    }
  }
}

function localSideOf({ localAddress, localPort }: Socket): LocalSide {
  return { address: localAddress === undefined ? LOCAL_PEER : normalizeAddress(localAddress), port: localPort ?? 0 }
}

/** Resolves when the peer has sent something, which stays unread. @throws the signal's reason */
function firstOctets(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      socket.off('readable', onReadable)
      socket.off('end', onEnd)
      signal.removeEventListener('abort', onAbort)
    }
    const onReadable = () => {
      settle()
      resolve()
    }
    const onAbort = () => {
      settle()
      reject(signal.reason)
    }
    const onEnd = () => {
      settle()
      reject(new Error('the peer left before the TLS handshake'))
    }
    if (signal.aborted) return onAbort()
    socket.once('readable', onReadable)
    socket.once('end', onEnd)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

function ignore(): void {}
