/**
 * POP3: RFC 1939 with CAPA, STLS, SASL, UTF8, LANG and response codes.
 * @module mailserver/plugins/pop3
 */
import {
  authenticator,
  blobStore,
  definePlugin,
  engine,
  listeners,
  mailStore,
  sasl,
  sessions,
  tlsContexts,
} from 'mailserver'
import { CrlfSizes } from './crlf-sizes.ts'
import { LoginDelay } from './login-delay.ts'
import { pop3Options } from './options.ts'
import { Pop3Server } from './server.ts'

const MAX_FAULTS = 20
const MAX_LOGIN_FAILURES = 3
const STALL_TIMEOUT_MS = 120_000

/**
 * Serves INBOX, or the mailbox that the config names, to POP3 clients.
 * @example pop3({ listen: ['*:110', 'tls://*:995'] })
 */
export const pop3 = definePlugin({
  name: 'pop3',
  apiVersion: '^1',
  options: pop3Options,
  needs: { listeners, tls: tlsContexts, sessions, store: mailStore, blobs: blobStore, authenticator, sasl, engine },
  setup({ options, services, server, run, clock, log }) {
    const pop3Server = new Pop3Server({
      ...services,
      run,
      clock,
      log,
      hostname: server.hostname,
      options,
      delay: new LoginDelay(services.engine, clock, options.loginDelay),
      sizes: new CrlfSizes(),
      endpoints: options.listen,
      listenLimits: {
        maxConnections: options.maxConnections,
        maxPerAddress: options.maxConnectionsPerAddress,
        handshakeTimeoutMs: options.handshakeTimeout,
      },
      limits: {
        idleTimeoutMs: options.idleTimeout,
        loginTimeoutMs: options.loginTimeout,
        handshakeTimeoutMs: options.handshakeTimeout,
        stallTimeoutMs: STALL_TIMEOUT_MS,
        maxFaults: MAX_FAULTS,
        maxLoginFailures: MAX_LOGIN_FAILURES,
        failureDelayMs: options.failureDelay,
      },
    })
    return {
      start: () => (server.mode === 'serve' ? pop3Server.start() : undefined),
      drain: (deadline, reason) => pop3Server.drain(deadline, { patient: reason === 'reload' }),
      stop: () => pop3Server.stop(),
    }
  },
})
