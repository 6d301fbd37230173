import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { ImapFlow } from 'imapflow'
import { imap } from '../../plugins/imap/index.ts'
import { level } from '../../plugins/level/index.ts'
import { maildir } from '../../plugins/maildir/index.ts'
import { type Ran, run } from '../support/peer.ts'
import { startTestServer, type TestServer } from '../support/test-server.ts'

/** A whole server whose mailboxes are Maildirs in `<directory>/mail/<local part>`. */
export interface MaildirServer extends AsyncDisposable {
  readonly server: TestServer
  connect(user?: string): Promise<ImapFlow>
}

export async function startMaildirServer(directory: string, data = 'data'): Promise<MaildirServer> {
  const server = await startTestServer({
    dataDir: join(directory, data),
    storage: level(),
    plugins: [...maildir({ path: join(directory, 'mail/%n') }), imap({ listen: ['127.0.0.1:0'] })],
  })
  return {
    server,
    async connect(user = 'alice@example.test') {
      const client = new ImapFlow({
        host: '127.0.0.1',
        port: server.port('imap'),
        secure: false,
        auth: { user, pass: 'secret' },
        tls: { rejectUnauthorized: false },
        logger: false,
      })
      await client.connect()
      return client
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

export const NOBODY = '65534'
const isRoot = process.getuid?.() === 0

/** Other programs refuse to work on mail as root: they get the files, and run as nobody. */
export async function asOrdinaryUser(
  directory: string,
  command: string,
  args: readonly string[],
  options: Parameters<typeof run>[2] = {},
): Promise<Ran> {
  const env = { HOME: directory, USER: 'alice', LOGNAME: 'alice', ...options?.env }
  if (!isRoot) return run(command, args, { ...options, env })
  await run('chown', ['-R', `${NOBODY}:${NOBODY}`, directory])
  const ids = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
  return run('setpriv', [...ids, command, ...args], { ...options, env })
}

interface Listening extends AsyncDisposable {
  readonly port: number
  /** What its processes say. */
  readonly log: string
  /** Those of its processes that a fault of their own has ended. */
  readonly crashed: ReadonlySet<number>
}

/** Dovecot on a Maildir, with no daemon: its IMAP speaks on standard input and output. */
export class Dovecot {
  readonly #directory: string
  readonly #config: string

  constructor(directory: string, maildirPath: string, separator = '.') {
    this.#directory = directory
    this.#config = join(directory, 'dovecot.conf')
    const [uid, gid] = isRoot ? [NOBODY, NOBODY] : [process.getuid?.(), process.getgid?.()]
    writeFileSync(
      this.#config,
      `base_dir = ${directory}/run
log_path = ${directory}/dovecot.log
mail_location = maildir:${maildirPath}
mail_home = ${directory}
mail_uid = ${uid}
mail_gid = ${gid}
ssl = no
namespace inbox {
  inbox = yes
  separator = ${separator}
}
`,
    )
  }

  /** Runs IMAP commands, tagged by their number, and returns all that Dovecot said. */
  async imap(...commands: readonly string[]): Promise<string> {
    const input = [...commands, 'LOGOUT'].map((command, at) => `t${at} ${command}\r\n`).join('')
    const { stdout, stderr } = await asOrdinaryUser(this.#directory, '/usr/lib/dovecot/imap', ['-c', this.#config], {
      input,
    })
    if (!stdout.includes(`t${commands.length} OK`)) throw new Error(`Dovecot said:\n${stdout}\n${stderr}`)
    return stdout
  }

  /** Its IMAP for a client that goes on, on a port of its own: who connects is logged in. */
  async listen(): Promise<Listening> {
    const logFile = join(this.#directory, 'dovecot-imap.log')
    const log = openSync(logFile, 'a')
    const children = new Set<ChildProcess>()
    const crashed = new Set<number>()
    const id = isRoot ? { uid: Number(NOBODY), gid: Number(NOBODY) } : {}
    const server = createServer((socket) => {
      const child = spawn('/usr/lib/dovecot/imap', ['-c', this.#config], {
        stdio: ['pipe', 'pipe', log],
        env: { ...process.env, HOME: this.#directory, USER: 'alice', LOGNAME: 'alice' },
        ...id,
      })
      children.add(child)
      child.once('exit', (code, signal) => {
        children.delete(child)
        if (signal !== null) crashed.add(child.pid as number)
        if (code !== 0) writeFileSync(logFile, `process ${child.pid} has ended: ${code ?? signal}\n`, { flag: 'a' })
      })
      const { stdin, stdout } = child
      if (stdin === null || stdout === null) throw new Error('Dovecot has no pipes')
      for (const stream of [socket, stdin, stdout]) stream.on('error', () => {})
      socket.pipe(stdin)
      stdout.pipe(socket)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return {
      port: (server.address() as AddressInfo).port,
      log: logFile,
      crashed,
      async [Symbol.asyncDispose]() {
        for (const child of children) child.kill('SIGKILL')
        server.close()
        closeSync(log)
      },
    }
  }

  async deliver(message: string): Promise<Ran> {
    return asOrdinaryUser(this.#directory, '/usr/lib/dovecot/dovecot-lda', ['-c', this.#config], { input: message })
  }
}

export const literal = (text: string): string => `{${Buffer.byteLength(text)}+}\r\n${text}`

/** `UID 3 FLAGS (\Seen)` of every message, in order. */
export function fetched(said: string): [uid: number, flags: string[]][] {
  return [...said.matchAll(/^\* \d+ FETCH \((?:UID (\d+) FLAGS \(([^)]*)\)|FLAGS \(([^)]*)\) UID (\d+))/gm)].map(
    ([, uid, flags, flagsFirst, uidLast]) => [
      Number(uid ?? uidLast),
      (flags ?? flagsFirst ?? '')
        .split(' ')
        .filter((flag) => flag !== '' && flag !== '\\Recent')
        .sort(),
    ],
  )
}

export const filesIn = (maildirPath: string): string[] =>
  ['new', 'cur'].flatMap((place) => readdirSync(join(maildirPath, place)).map((name) => `${place}/${name}`)).sort()
