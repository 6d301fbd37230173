import { freePorts } from '../../support/peer.ts'
import { startPostfix } from '../../support/postfix.ts'
import { accountsTo, addressOf, type SystemKind } from '../system.ts'
import { unavailable as noDovecot, startDovecot } from './dovecot.ts'
import { asSystem, unavailable as noPostfix, optionsFor, version } from './postfix.ts'

/** Postfix that hands everything to Dovecot's LMTP server, as most who run the two do. */
export const postfixLmtp: SystemKind = {
  name: 'postfix-lmtp',
  unavailable: async () => (await noPostfix()) ?? (await noDovecot()),
  async start(need) {
    const dovecot = await startDovecot(need, { name: 'dovecot-lmtp', storage: 'maildir', mode: 'fast' })
    const { submission } = await freePorts('submission')
    const postfix = await startPostfix(
      optionsFor(need, {
        users: accountsTo(need.accounts).map(addressOf),
        mainCf: {
          virtual_transport: `lmtp:unix:${dovecot.lmtpSocket}`,
          smtpd_tls_cert_file: dovecot.tls.certFile,
          smtpd_tls_key_file: dovecot.tls.keyFile,
          smtpd_sasl_type: 'dovecot',
          smtpd_sasl_path: dovecot.authSocket,
        },
        services: [
          `127.0.0.1:${submission} inet n - n - - smtpd`,
          '  -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes',
        ],
      }),
    ).catch(async (error: unknown) => {
      await dovecot[Symbol.asyncDispose]()
      throw error
    })
    const facts = {
      name: 'postfix-lmtp',
      title: `Postfix ${await version()} → ${dovecot.title}, LMTP`,
      durability: 'fsync of the queue file before 250, and of the Maildir file (mail_fsync = optimized, as shipped)',
      stored: dovecot.stored,
      pids: dovecot.pids,
      stop: async () => dovecot[Symbol.asyncDispose](),
    }
    return asSystem(postfix, facts, submission)
  },
}
