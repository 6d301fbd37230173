import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { Clock } from '../kernel/clock.ts'

/** Listeners of the plaintext protocol. `close` and `error` stay: who counts connections needs them to the end. */
const PLAINTEXT_EVENTS = ['data', 'readable', 'end', 'drain', 'timeout', 'pause', 'resume'] as const

export interface HandshakeOptions {
  readonly contextFor: (servername: string | undefined) => SecureContext
  readonly timeoutMs: number
  readonly asksForCertificate?: boolean
  readonly clock: Clock
}

/**
 * Wraps an accepted socket in TLS and resolves once the handshake is done. Whatever still listened to plaintext is cut
 * off first. When it fails both sockets are gone; the result may get errors at any time and has a listener for them.
 * @throws Error when the handshake fails, the peer leaves, or `timeoutMs` have passed
 */
export function serverHandshake(socket: Socket, options: HandshakeOptions): Promise<TLSSocket> {
  for (const event of PLAINTEXT_EVENTS) socket.removeAllListeners(event)
  socket.on('error', ignore)
  // TLS takes this over from the socket: a peer that closes its side in a handshake has left.
  socket.allowHalfOpen = false
  if (socket.destroyed) return Promise.reject(new Error('the peer left before the TLS handshake'))
  const secure = new TLSSocket(socket, {
    isServer: true,
    // Whoever shows none, or another's, logs in by password: the certificate is looked at when it is used.
    requestCert: options.asksForCertificate ?? false,
    rejectUnauthorized: false,
    secureContext: options.contextFor(undefined),
    SNICallback: (servername, done) => done(null, options.contextFor(servername)),
  })
  secure.on('error', ignore)
  return new Promise((resolve, reject) => {
    const fail = (reason: Error) => {
      settle()
      secure.destroy()
      socket.destroy()
      reject(reason)
    }
    const onClose = () => fail(new Error('the peer left during the TLS handshake'))
    const onSecure = () => {
      settle()
      secure.disableRenegotiation()
      resolve(secure)
    }
    const cancel = options.clock.after(options.timeoutMs, () =>
      fail(new Error(`no TLS handshake within ${options.timeoutMs} ms`)),
    )
    const settle = () => {
      cancel()
      secure.off('secure', onSecure).off('error', fail).off('_tlsError', fail).off('close', onClose)
      socket.off('close', onClose)
    }
    secure.once('secure', onSecure).once('error', fail).once('_tlsError', fail).once('close', onClose)
    socket.once('close', onClose)
  })
}

/** TLS version and cipher as a Connection carries them. */
export function tlsFacts(socket: TLSSocket): { readonly version: string; readonly cipher: string } {
  return { version: socket.getProtocol() ?? 'unknown', cipher: socket.getCipher()?.name ?? 'unknown' }
}

/** A reset peer is no news: `close` follows and is what everybody acts on. */
function ignore(): void {}
