import { z } from 'zod'
import type { Log } from '../kernel/log.ts'
import { definePlugin, type ServerFacts } from '../kernel/plugin.ts'
import { type CertificateSource, tlsContextsOf } from './certificates.ts'
import { ClientAuthorities } from './client-certificates.ts'
import { dnsResolver } from './dns-resolver.ts'
import { HandshakeSlots } from './handshake-slots.ts'
import { dns, listeners, sessions, type TlsContexts, tlsContexts } from './listeners.ts'
import { PortListeners } from './port-listeners.ts'
import { isMadeFor, selfSignedPair } from './self-signed.ts'
import { sessionRegistry } from './session-registry.ts'

/** TLS handshakes at once in one worker, and how long one that stalls keeps others out. */
const HANDSHAKES = { places: 128, holdMs: 3_000 } as const

const options = z.object({
  /** PEM texts. None: a self-signed certificate is made in the data directory. */
  tls: z.array(z.object({ cert: z.string(), key: z.string(), names: z.array(z.string()).optional() })).default([]),
  /** PEM text: who vouches for clients' certificates. */
  clientCa: z.string().optional(),
  dnsServers: z.array(z.string()).optional(),
  dnsTimeoutMs: z.number().positive().default(5_000),
  /** Shares TCP ports among workers, and between the old and the new ones at a reload. */
  reusePort: z.boolean().default(false),
})

/** Ports, certificates, DNS and the list of sessions, for every protocol alike. */
export const netPlugin = definePlugin({
  name: 'net',
  apiVersion: '^1',
  options,
  provides: { listeners, tls: tlsContexts, dns, sessions },
  setup({ options, server, clock, log }) {
    const authorities = options.clientCa === undefined ? undefined : new ClientAuthorities(options.clientCa)
    let contexts = options.tls.length > 0 ? tlsContextsOf(configured(options.tls), clock, authorities) : undefined
    const loaded = (): TlsContexts => {
      if (contexts === undefined) throw new Error('the certificate is there once the net plugin has started')
      return contexts
    }
    const tls: TlsContexts = {
      contextFor: (servername) => loaded().contextFor(servername),
      upgrade: (socket, timeoutMs, how) => loaded().upgrade(socket, timeoutMs, how),
      clientCertificate: (socket) => loaded().clientCertificate(socket),
      get summary() {
        return loaded().summary
      },
    }
    const ports = new PortListeners({
      tls,
      handshakes: new HandshakeSlots(clock, HANDSHAKES),
      reusePort: options.reusePort,
      clock,
      log,
    })
    return {
      services: {
        listeners: ports,
        tls,
        dns: dnsResolver({ servers: options.dnsServers, timeoutMs: options.dnsTimeoutMs }, clock),
        sessions: sessionRegistry(),
      },
      async start() {
        if (contexts === undefined && server.mode === 'serve') {
          contexts = tlsContextsOf(await selfSigned(server, log), clock, authorities)
        }
      },
      stop: () => ports.stop(),
    }
  },
})

function configured(certificates: CertificateSource['certificates']): CertificateSource {
  return { certificates, isSelfSigned: false, certFile: undefined }
}

async function selfSigned({ dataDir, hostname }: ServerFacts, log: Log): Promise<CertificateSource> {
  const { certFile, ...pair } = await selfSignedPair(dataDir, hostname)
  if (!isMadeFor(pair.cert, hostname)) {
    log.warn({ certFile, hostname }, 'the self-signed certificate is for another hostname')
  }
  return { certificates: [pair], isSelfSigned: true, certFile }
}
