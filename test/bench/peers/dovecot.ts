import { chownSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts, run } from '../../support/peer.ts'
import { findProgram } from '../../support/programs.ts'
import { type CertificateFiles, certificate } from '../support/certificate.ts'
import { Daemon } from '../support/daemon.ts'
import { messagesIn } from '../support/maildir.ts'
import { workspace } from '../support/workspace.ts'
import { accountsTo, addressOf, type Need, PASSWORD, type System, type SystemKind } from '../system.ts'

const NOBODY = 65534

interface DovecotOptions {
  readonly name: string
  readonly storage: 'maildir' | 'mdbox'
  /**
   * `shipped`: a process a login, SHA512-CRYPT passwords, as the package comes. `fast`: its guide's high-performance login
   * service, processes used again, and passwords in clear.
   */
  readonly mode: 'shipped' | 'fast'
}

export interface Dovecot extends System {
  readonly lmtpSocket: string
  /** Where others ask it to check passwords. */
  readonly authSocket: string
  readonly tls: CertificateFiles
  /** For `doveadm -c`. */
  readonly configFile: string
  /** Where the mail of an account lies. */
  home(account: number): string
}

const kind = (options: DovecotOptions): SystemKind => ({
  name: options.name,
  unavailable,
  start: (need) => startDovecot(need, options),
})

export const dovecotMaildir = kind({ name: 'dovecot-maildir', storage: 'maildir', mode: 'fast' })
export const dovecotMdbox = kind({ name: 'dovecot-mdbox', storage: 'mdbox', mode: 'fast' })
export const dovecotShipped = kind({ name: 'dovecot-shipped', storage: 'maildir', mode: 'shipped' })

/** Why Dovecot cannot run here. */
export async function unavailable(): Promise<string | undefined> {
  if (findProgram('dovecot') === undefined) return 'the package dovecot-core is not installed'
  for (const program of ['imap', 'pop3', 'lmtp']) {
    const { code } = await run('test', ['-x', `/usr/lib/dovecot/${program}`])
    if (code !== 0) return `the package dovecot-${program}d is not installed`
  }
  return process.getuid?.() === 0 ? undefined : 'Dovecot starts as root only'
}

export async function startDovecot(need: Need, options: DovecotOptions): Promise<Dovecot> {
  const space = workspace(options.name)
  const mail = need.dataDir ?? join(space.path, 'mail')
  mkdirSync(mail, { recursive: true })
  chownSync(mail, NOBODY, NOBODY)
  const ports = await freePorts('imaps', 'pop3s')
  const configFile = join(space.path, 'dovecot.conf')
  writeFileSync(join(space.path, 'users'), await users(need.accounts, options))
  const tls = await certificate(space.path)
  writeFileSync(configFile, config(space.path, mail, ports, options) + (need.isFilling ? 'mail_fsync = never\n' : ''))
  const start = () =>
    Daemon.start([findProgram('dovecot') ?? 'dovecot', '-F', '-c', configFile], {
      logFile: join(space.path, 'log'),
      ports: Object.values(ports),
    })
  let daemon = await start().catch((error: unknown) => {
    space.remove()
    throw error
  })
  const home = (account: number) => join(mail, addressOf(account))
  const stored = async (account: number): Promise<number> => {
    if (options.storage === 'maildir') return messagesIn(join(home(account), 'mail'))
    const { stdout } = await run('doveadm', [
      ...['-c', configFile, '-f', 'flow', 'mailbox', 'status', '-u', addressOf(account), 'messages', 'INBOX'],
    ])
    return Number(/messages=(\d+)/.exec(stdout)?.[1] ?? 0)
  }
  return {
    name: options.name,
    title: `Dovecot ${(await run('dovecot', ['--version'])).stdout.trim().split(' ')[0]}, ${options.storage}, ${options.mode}`,
    durability: 'mail_fsync = optimized, as shipped: fsync of what is saved, none of flags',
    ports,
    lmtpSocket: join(space.path, 'run/lmtp'),
    authSocket: join(space.path, 'run/auth-postfix'),
    tls,
    configFile,
    home,
    pids: () => [daemon.pid],
    async stored(accounts) {
      let sum = 0
      for (const account of accounts) sum += await stored(account)
      return sum
    },
    async restart({ forgetCaches = false } = {}) {
      await daemon.stop()
      if (forgetCaches) for (const account of accountsTo(need.accounts)) forget(join(home(account), 'mail'))
      daemon = await start()
    },
    async [Symbol.asyncDispose]() {
      await daemon.stop()
      space.remove()
    },
  }
}

function config(path: string, mail: string, ports: { imaps: number; pop3s: number }, options: DovecotOptions): string {
  const isFast = options.mode === 'fast'
  const login = isFast ? 'service_count = 0\n  process_min_avail = 2\n  client_limit = 20000' : ''
  const worker = isFast ? 'service_count = 1000\n  process_min_avail = 10' : ''
  return `base_dir = ${path}/run
state_dir = ${path}/state
log_path = ${path}/log
listen = 127.0.0.1
protocols = imap pop3 lmtp
ssl = yes
ssl_cert = <${path}/cert.pem
ssl_key = <${path}/key.pem
mail_location = ${options.storage}:~/mail
mail_uid = ${NOBODY}
mail_gid = ${NOBODY}
first_valid_uid = 1
mail_max_userip_connections = 0
default_process_limit = 12000
default_client_limit = 60000
default_vsz_limit = 2G
passdb {
  driver = passwd-file
  args = username_format=%u ${path}/users
}
userdb {
  driver = static
  args = uid=${NOBODY} gid=${NOBODY} home=${mail}/%u
}
namespace inbox {
  inbox = yes
  separator = /
}
service imap-login {
  ${login}
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = ${ports.imaps}
    ssl = yes
  }
}
service pop3-login {
  ${login}
  inet_listener pop3 {
    port = 0
  }
  inet_listener pop3s {
    port = ${ports.pop3s}
    ssl = yes
  }
}
service imap {
  process_limit = 12000
  ${worker}
}
service pop3 {
  ${worker}
}
service auth {
  unix_listener auth-postfix {
    mode = 0666
  }
}
service lmtp {
  unix_listener lmtp {
    mode = 0666
  }
}
`
}

/** A line an account; one hash for all, since only how long it takes to check one matters. */
async function users(accounts: number, { mode }: DovecotOptions): Promise<string> {
  const hashed = async () => (await run('doveadm', ['pw', '-s', 'SHA512-CRYPT', '-p', PASSWORD])).stdout.trim()
  const password = mode === 'fast' ? `{PLAIN}${PASSWORD}` : await hashed()
  return accountsTo(accounts)
    .map((account) => `${addressOf(account)}:${password}::::::\n`)
    .join('')
}

/** What Dovecot remembers of headers and structures. */
function forget(mail: string): void {
  const names = readableNames(mail)
  for (const name of names.filter((one) => /(^|\/)dovecot\.index\.cache$/.test(one))) rmSync(join(mail, name))
}

function readableNames(path: string): string[] {
  try {
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
  } catch {
    // This account has no mail.
    return []
  }
}
