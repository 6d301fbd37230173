import {
  authenticator,
  blobStore,
  definePlugin,
  directory,
  jmapSession,
  type Listening,
  listeners,
  mailStore,
  optional,
  sasl,
  searchIndex,
  sessions,
  tlsContexts,
} from 'mailserver'
import { MailboxMirrors } from './mailbox-mirrors.ts'
import { Offers } from './offer.ts'
import { OpenSessions } from './open-sessions.ts'
import { imapOptions, limitsOf, sharingOf } from './options.ts'

export type { ImapLimits } from './limits.ts'

/** How long a TLS handshake may take on a `tls://` endpoint. */
const HANDSHAKE_TIMEOUT_MS = 10_000

/**
 * IMAP4rev1 (RFC 3501) for every mail client.
 *
 * @example imap({ listen: ['0.0.0.0:143', 'tls://0.0.0.0:993'] })
 */
export const imap = definePlugin({
  name: 'imap',
  apiVersion: '^1',
  options: imapOptions,
  needs: {
    listeners,
    tls: tlsContexts,
    sessions,
    store: mailStore,
    authenticator,
    sasl,
    directory,
    blobs: blobStore,
    index: optional(searchIndex),
    jmap: optional(jmapSession),
  },
  setup(host) {
    const { options, services, server, log, metrics } = host
    const commands = metrics.counter('commands_total', 'Commands answered', ['command', 'status'])
    const mirrors = new MailboxMirrors(services.store, log)
    const open = new OpenSessions({
      host,
      services: { ...services, mirrors },
      limits: limitsOf(options),
      sharing: sharingOf(options),
      offers: new Offers(options.disable, options.clients),
      onCommand: (command, status) => commands.add(1, { command, status }),
    })
    let listening: Listening | undefined
    return {
      async start() {
        if (server.mode === 'offline') return
        listening = await services.listeners.listen({
          protocol: 'imap',
          endpoints: options.listen,
          limits: {
            maxConnections: options.limits.connections,
            maxPerAddress: options.limits.perAddress,
            handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
          },
          asksForCertificate: true,
          onConnection: (accepted) => open.accept(accepted),
          refusal: () => '* BYE [UNAVAILABLE] Too many connections\r\n',
        })
      },
      async drain(signal, reason) {
        await listening?.close()
        const cut = () => open.destroy()
        signal.addEventListener('abort', cut, { once: true })
        if (signal.aborted) cut()
        // After a reload the new workers have the ports; clients that are here may stay until they leave by themselves.
        await (reason === 'reload' ? open.allEnded() : open.end('Server is going away'))
        signal.removeEventListener('abort', cut)
      },
      async stop() {
        await listening?.close()
        open.destroy()
        await open.allEnded()
        mirrors.close()
      },
    }
  },
})
