import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Connection } from '../../kernel/moments.ts'
import type { TlsContexts } from '../../net/listeners.ts'
import type { SaslChannel } from './sasl.ts'

/**
 * What a login on this connection may build on.
 * @param socket the one that the session reads and writes now: after STARTTLS the encrypted one
 * @param signal fires when the client has left
 */
export function saslChannel(
  { protocol, remoteAddress }: Connection,
  socket: Socket | TLSSocket,
  contexts: TlsContexts,
  signal?: AbortSignal,
): SaslChannel {
  if (!(socket instanceof TLSSocket)) return { protocol, remoteAddress, tls: undefined, signal }
  return {
    protocol,
    remoteAddress,
    signal,
    tls: {
      version: socket.getProtocol(),
      keyingMaterial: (length, label) => socket.exportKeyingMaterial(length, label, Buffer.alloc(0)),
      certificate: contexts.clientCertificate(socket),
    },
  }
}
