import {
  definePlugin,
  type Intake,
  type IntakeRole,
  intake,
  type Listening,
  listeners,
  sasl,
  sessions,
  tlsContexts,
} from 'mailserver'
import { optionsWith } from './options.ts'
import { MailServer } from './server.ts'

export interface ListenerKind {
  readonly name: 'smtp' | 'submission' | 'lmtp'
  readonly role: IntakeRole
  /** Where it listens when the config does not say. */
  readonly listen: readonly string[]
}

/** One way in: the three differ in their role and their ports alone. */
export function listenerPlugin({ name, role, listen }: ListenerKind) {
  return definePlugin({
    name,
    apiVersion: '^1',
    options: optionsWith(listen),
    needs: { intake, listeners, tls: tlsContexts, sasl, sessions },
    setup({ options, services, server: facts, log, clock }) {
      const { limits, banner, earlyTalkerMs } = options
      const server = new MailServer({
        profile: {
          role,
          hostname: facts.hostname,
          banner,
          limits,
          messageBytes: facts.limits.messageBytes,
          offersTls: true,
        },
        earlyTalkerMs,
        intake: services.intake as Intake,
        tls: services.tls,
        sasl: services.sasl,
        sessions: services.sessions,
        clock,
        log,
      })
      let listening: Listening | undefined
      return {
        async start() {
          if (facts.mode !== 'serve') return
          listening = await services.listeners.listen({
            protocol: name,
            endpoints: options.listen,
            limits: {
              maxConnections: limits.connections,
              maxPerAddress: limits.perAddress,
              handshakeTimeoutMs: limits.handshakeTimeout,
            },
            asksForCertificate: role === 'submission',
            onConnection: (accepted) => server.accept(accepted),
            refusal: () => '421 4.7.0 Too many connections, come again\r\n',
          })
        },
        async drain(signal, reason) {
          await listening?.close()
          await server.drain(signal, reason)
        },
        async stop() {
          await listening?.close()
          server.cut()
        },
      }
    },
  })
}
