import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accepts, eventually, freePort, type Peer, type Ran, run, startPeer } from './peer.ts'
import { findProgram } from './programs.ts'

export interface PostfixOptions {
  /** The name it goes by. @default 'postfix.test' */
  readonly hostname?: string
  /** Port of its SMTP server; a free one when left out. */
  readonly port?: number
  /** A second SMTP port that speaks TLS from the first byte. Needs `smtpd_tls_*` in `mainCf`. */
  readonly tlsPort?: number
  /** Settings of main.cf on top of ours. */
  readonly mainCf?: Readonly<Record<string, string>>
  /** Domain (or `*`) to next hop, e.g. `{ 'example.test': 'smtp:[127.0.0.1]:2525' }`, `lmtp:unix:/run/x.sock`. */
  readonly transport?: Readonly<Record<string, string>>
  /** Addresses it keeps mailboxes for; their domains are its own, any other user there is unknown. */
  readonly users?: readonly string[]
  /** More lines of master.cf. */
  readonly services?: readonly string[]
}

/** A real Postfix with its own configuration, queue and mailboxes in a temporary directory. */
export interface Postfix extends AsyncDisposable {
  readonly port: number
  readonly directory: string
  /** Everything it logged so far. */
  output(): string
  /** Messages in the Maildir of a user, each as its file has it, in order of arrival. */
  messages(user: string): readonly Buffer[]
  /** Submits a message as its own `sendmail` does; `args` such as `['-f', 'a@x.test', 'b@y.test']`. */
  sendmail(args: readonly string[], message: string | Buffer): Promise<Ran>
  /** The queue as `postqueue -p` prints it. */
  queue(): Promise<string>
  /** Tries everything in the queue again, now. */
  flush(): Promise<void>
  /** Stops it; queue and mailboxes stay. */
  stop(): Promise<void>
  /** Starts it again after `stop`, on the same port. */
  start(): Promise<void>
}

const NOBODY = 65534

/** Starts a Postfix in the foreground on 127.0.0.1. Needs root, as Postfix does. */
export async function startPostfix(options: PostfixOptions = {}): Promise<Postfix> {
  const directory = mkdtempSync(join(tmpdir(), 'mailserver-postfix-'))
  const port = options.port ?? (await freePort())
  const config = join(directory, 'config')
  const mail = join(directory, 'mail')
  try {
    // Its daemons run as other users, who must be able to come in.
    chmodSync(directory, 0o755)
    mkdirSync(config)
    mkdirSync(mail)
    chownSync(mail, NOBODY, NOBODY)
    mkdirSync(join(directory, 'spool'))
    mkdirSync(join(directory, 'data'))
    await own(join(directory, 'data'))
    writeFileSync(join(config, 'main.cf'), mainCf(directory, options))
    writeFileSync(join(config, 'master.cf'), masterCf(port, options))
    writeFileSync(join(config, 'transport'), table(Object.entries(options.transport ?? {})))
    writeFileSync(join(config, 'users'), table((options.users ?? []).map((user) => [user, `${user}/`])))
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  }

  let peer: Peer | undefined
  const output = () => {
    try {
      return readFileSync(join(directory, 'log'), 'utf8')
    } catch {
      // It has logged nothing yet.
      return ''
    }
  }
  const start = async () => {
    try {
      peer ??= await startPeer('postfix', ['-c', config, 'start-fg'], { ready: () => accepts(port) })
    } catch (cause) {
      throw new Error(`Postfix did not start:\n${output()}`, { cause })
    }
  }
  const stop = async () => {
    if (peer === undefined) return
    // The process we started is a shell that waits for the master: to end it alone would leave the master behind.
    await run('postfix', ['-c', config, 'stop'])
    await peer.stop()
    // Its smtpd hold the port too, and may outlive the master by a moment.
    await eventually(async () => !(await accepts(port)))
    peer = undefined
  }
  const dispose = async () => {
    await stop()
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    await start()
  } catch (error) {
    await dispose()
    throw error
  }
  return {
    port,
    directory,
    output,
    messages: (user) => maildir(join(mail, user, 'new')),
    sendmail: (args, message) =>
      run(findProgram('sendmail') ?? 'sendmail', ['-C', config, '-i', ...args], { input: message }),
    queue: async () => (await run('postqueue', ['-c', config, '-p'])).stdout,
    flush: async () => void (await run('postqueue', ['-c', config, '-f'])),
    stop,
    start,
    [Symbol.asyncDispose]: dispose,
  }
}

function mainCf(directory: string, { hostname = 'postfix.test', users = [], mainCf = {} }: PostfixOptions): string {
  const config = join(directory, 'config')
  const domains = new Set(users.map((user) => user.slice(user.lastIndexOf('@') + 1)))
  const settings: Record<string, string> = {
    compatibility_level: '3.6',
    queue_directory: join(directory, 'spool'),
    data_directory: join(directory, 'data'),
    // Not /dev/stdout: Node gives a child a socket there, which cannot be opened by name.
    maillog_file: join(directory, 'log'),
    maillog_file_prefixes: directory,
    myhostname: hostname,
    mydestination: '',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    mynetworks: '127.0.0.0/8',
    alias_maps: '',
    alias_database: '',
    local_recipient_maps: '',
    biff: 'no',
    smtputf8_enable: 'yes',
    message_size_limit: '0',
    mailbox_size_limit: '0',
    virtual_mailbox_limit: '0',
    virtual_mailbox_domains: [...domains].join(', '),
    virtual_mailbox_base: join(directory, 'mail'),
    virtual_mailbox_maps: `texthash:${config}/users`,
    virtual_uid_maps: `static:${NOBODY}`,
    virtual_gid_maps: `static:${NOBODY}`,
    transport_maps: `texthash:${config}/transport`,
    smtpd_relay_restrictions: 'permit_mynetworks, reject_unauth_destination',
    smtp_tls_security_level: 'may',
    smtp_host_lookup: 'native',
    // A test waits for a retry at most so long.
    minimal_backoff_time: '1s',
    maximal_backoff_time: '2s',
    queue_run_delay: '1s',
    ...mainCf,
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')
}

function masterCf(port: number, { tlsPort, services = [] }: PostfixOptions): string {
  return [
    `127.0.0.1:${port} inet n - n - - smtpd`,
    ...(tlsPort === undefined
      ? []
      : [`127.0.0.1:${tlsPort} inet n - n - - smtpd`, '  -o smtpd_tls_wrappermode=yes -o syslog_name=postfix/smtps']),
    'pickup unix n - n 1 1 pickup',
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 300 1 qmgr',
    'tlsmgr unix - - n 1000? 1 tlsmgr',
    'rewrite unix - - n - - trivial-rewrite',
    'bounce unix - - n - 0 bounce',
    'defer unix - - n - 0 bounce',
    'trace unix - - n - 0 bounce',
    'verify unix - - n - 1 verify',
    'flush unix n - n 1000? 0 flush',
    'proxymap unix - - n - - proxymap',
    'proxywrite unix - - n - 1 proxymap',
    'smtp unix - - n - - smtp',
    'relay unix - - n - - smtp',
    'showq unix n - n - - showq',
    'error unix - - n - - error',
    'retry unix - - n - - error',
    'discard unix - - n - - discard',
    'local unix - n n - - local',
    'virtual unix - n n - - virtual',
    'lmtp unix - - n - - lmtp',
    'anvil unix - - n - 1 anvil',
    'scache unix - - n - 1 scache',
    'postlog unix-dgram n - n - 1 postlogd',
    ...services,
    '',
  ].join('\n')
}

function table(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([key, value]) => `${key} ${value}\n`).join('')
}

async function own(path: string): Promise<void> {
  const { code, stderr } = await run('chown', ['postfix', path])
  if (code !== 0) throw new Error(`Postfix needs root to start: ${stderr}`)
}

function maildir(path: string): readonly Buffer[] {
  try {
    return readdirSync(path)
      .sort()
      .map((name) => readFileSync(join(path, name)))
  } catch {
    // Postfix makes the Maildir with its first message.
    return []
  }
}
