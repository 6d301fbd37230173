import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../support/peer.ts'
import { type Postfix, type PostfixOptions, startPostfix } from '../../support/postfix.ts'
import { findProgram } from '../../support/programs.ts'
import { messagesInAll } from '../support/maildir.ts'
import { accountsTo, addressOf, DOMAIN, ELSEWHERE, type Need, type System, type SystemKind } from '../system.ts'

const DURABILITY = 'as always: fsync of the queue file before 250'

/** Postfix with mailboxes of its own. */
export const postfixMaildir: SystemKind = {
  name: 'postfix-maildir',
  unavailable,
  async start(need) {
    const postfix = await startPostfix(optionsFor(need, { users: accountsTo(need.accounts).map(addressOf) }))
    return asSystem(postfix, {
      name: 'postfix-maildir',
      title: `Postfix ${await version()} → virtual Maildir`,
      durability: `${DURABILITY}, and of the Maildir file (virtual(8))`,
      stored: async (accounts) =>
        messagesInAll(accounts.map((account) => join(postfix.directory, 'mail', addressOf(account)))),
    })
  },
}

/** Why Postfix cannot run here. */
export async function unavailable(): Promise<string | undefined> {
  if (findProgram('postfix') === undefined) return 'the package postfix is not installed'
  return process.getuid?.() === 0 ? undefined : 'Postfix starts as root only'
}

export async function version(): Promise<string> {
  return (await run('postconf', ['-h', 'mail_version'])).stdout.trim()
}

/** Settings of every Postfix here: Debian's own, but for what a machine of its own asks for. */
export function optionsFor(need: Need, more: PostfixOptions): PostfixOptions {
  const relay = need.relayPort === undefined ? {} : { [ELSEWHERE]: `smtp:[127.0.0.1]:${need.relayPort}` }
  return {
    hostname: `mail.${DOMAIN}`,
    ...more,
    transport: { ...relay, ...more.transport },
    mainCf: { smtp_tls_security_level: 'none', ...more.mainCf },
  }
}

interface Facts {
  readonly name: string
  readonly title: string
  readonly durability: string
  readonly stored: System['stored']
  /** Processes beside Postfix's. */
  readonly pids?: () => readonly number[]
  readonly stop?: () => Promise<void>
}

/** Postfix is done with a message when it has left the queue: what it has not delivered is not counted. */
export function asSystem(
  postfix: Postfix,
  { name, title, durability, stored, pids, stop }: Facts,
  submission?: number,
): System {
  const master = () => Number(readFileSync(join(postfix.directory, 'spool/pid/master.pid'), 'utf8').trim())
  return {
    name,
    title,
    durability,
    ports: { smtp: postfix.port, ...(submission !== undefined && { submission }) },
    stored,
    pids: () => [master(), ...(pids?.() ?? [])],
    flush: () => postfix.flush(),
    queued: async () => {
      const { stdout } = await run('find', [
        ...['incoming', 'active', 'deferred', 'maildrop'].map((queue) => join(postfix.directory, 'spool', queue)),
        '-type',
        'f',
      ])
      return stdout.split('\n').length - 1
    },
    restart: async () => {
      await postfix.stop()
      await postfix.start()
    },
    [Symbol.asyncDispose]: async () => {
      await postfix[Symbol.asyncDispose]()
      await stop?.()
    },
  }
}
