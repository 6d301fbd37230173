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
    const postfix = await startPostfix(
      optionsFor(need, {
        users: accountsTo(need.accounts).map(addressOf),
        mainCf: { virtual_transport: `lmtp:unix:${dovecot.lmtpSocket}` },
      }),
    ).catch(async (error: unknown) => {
      await dovecot[Symbol.asyncDispose]()
      throw error
    })
    return asSystem(postfix, {
      name: 'postfix-lmtp',
      title: `Postfix ${await version()} → ${dovecot.title}, LMTP`,
      durability: 'fsync of the queue file before 250, and of the Maildir file (mail_fsync = optimized, as shipped)',
      stored: dovecot.stored,
      pids: dovecot.pids,
      stop: async () => dovecot[Symbol.asyncDispose](),
    })
  },
}
