import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { eventually } from '../support/peer.ts'
import { findProgram } from '../support/programs.ts'

const READY_MS = 45_000

export interface Thunderbird extends AsyncDisposable {
  /**
   * Runs the body of an async function inside it, and gives what it returns. The body knows `server`, the account's
   * `nsIMsgIncomingServer`; `folder(name)`; `until(ask)`, which waits until the answer is true; and `MailServices`.
   */
  run(body: string): Promise<unknown>
  /** What it said to the server, in order, each command without its tag. */
  commands(): string[]
}

/** Thunderbird without a window, with one IMAP account that comes to TLS by STARTTLS; it is steered by Marionette. */
export async function startThunderbird(
  home: string,
  account: { readonly port: number; readonly user: string; readonly password: string },
): Promise<Thunderbird> {
  const profile = join(home, 'profile')
  mkdirSync(profile)
  writeFileSync(join(profile, 'user.js'), preferences(account))
  const child = spawn(
    findProgram('thunderbird') ?? 'thunderbird',
    ['--headless', '--no-remote', '--profile', profile, '--marionette', '--remote-allow-system-access'],
    {
      env: { ...process.env, HOME: home, MOZ_LOG: 'IMAP:5,sync', MOZ_LOG_FILE: join(home, 'imap.log') },
      stdio: 'ignore',
    },
  )
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  try {
    const marionette = await Marionette.open(await marionettePort(child, profile))
    await marionette.send('WebDriver:NewSession', {})
    await marionette.send('Marionette:SetContext', { value: 'chrome' })
    await marionette.send('WebDriver:SetTimeouts', { script: READY_MS })
    const run = (body: string) => marionette.script(`${PRELUDE}\n${body}`)
    await run(`
      Cc['@mozilla.org/security/certoverride;1'].getService(Ci.nsICertOverrideService)
        .setDisableAllSecurityChecksAndLetAttackersInterceptMyData(true)
      server.password = ${JSON.stringify(account.password)}`)
    return {
      run,
      commands: () =>
        readdirSync(home)
          .filter((name) => name.startsWith('imap.log'))
          .flatMap((name) => readFileSync(join(home, name), 'utf8').split('\n'))
          .flatMap((line) => /:SendData: (?:\d+ )?(.*?)\r?$/.exec(line)?.[1] ?? []),
      async [Symbol.asyncDispose]() {
        marionette.close()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const PRELUDE = `
const { MailServices } = ChromeUtils.importESModule('resource:///modules/MailServices.sys.mjs')
const server = MailServices.accounts.accounts.find(one => one.incomingServer.type === 'imap').incomingServer
const folder = name => server.rootFolder.descendants.find(one => one.name.toLowerCase() === name.toLowerCase())
const until = async ask => {
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}`

function preferences({ port, user }: { port: number; user: string }): string {
  const values = {
    'mail.accountmanager.accounts': 'account1,account2',
    'mail.accountmanager.defaultaccount': 'account1',
    'mail.accountmanager.localfoldersserver': 'server2',
    'mail.account.account1.server': 'server1',
    'mail.account.account1.identities': 'id1',
    'mail.account.account2.server': 'server2',
    'mail.identity.id1.useremail': user,
    'mail.identity.id1.fullName': 'Test',
    'mail.identity.id1.valid': true,
    'mail.server.server1.type': 'imap',
    'mail.server.server1.hostname': 'localhost',
    'mail.server.server1.port': port,
    'mail.server.server1.userName': user,
    // STARTTLS is demanded, and the password is sent inside of it.
    'mail.server.server1.socketType': 2,
    'mail.server.server1.authMethod': 3,
    'mail.server.server1.name': 'test',
    'mail.server.server1.login_at_startup': false,
    'mail.server.server1.check_new_mail': false,
    'mail.server.server2.type': 'none',
    'mail.server.server2.hostname': 'Local Folders',
    'mail.server.server2.userName': 'nobody',
    'mail.server.server2.name': 'Local Folders',
    'mail.provider.suppress_dialog_on_startup': true,
    'mail.spotlight.firstRunDone': true,
    'mail.shell.checkDefaultClient': false,
    'mailnews.start_page.enabled': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    'app.update.enabled': false,
    'marionette.port': 0,
  }
  return Object.entries(values)
    .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
    .join('')
}

function marionettePort(child: ChildProcess, profile: string): Promise<number> {
  return eventually(() => {
    if (child.exitCode !== null) throw new Error(`thunderbird ended with ${child.exitCode}`)
    return readdirSync(profile).includes('MarionetteActivePort')
      ? Number(readFileSync(join(profile, 'MarionetteActivePort'), 'utf8'))
      : undefined
  }, READY_MS)
}

/** The wire of Marionette: `length:json`; a command `[0, id, name, parameters]`, its answer `[1, id, error, result]`. */
class Marionette {
  readonly #socket: Socket
  readonly #packets: AsyncIterator<unknown>
  #last = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#packets = packets(socket)
  }

  static async open(port: number): Promise<Marionette> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const marionette = new Marionette(socket)
    await marionette.#packets.next()
    return marionette
  }

  async send(name: string, parameters: object): Promise<unknown> {
    const text = JSON.stringify([0, ++this.#last, name, parameters])
    this.#socket.write(`${Buffer.byteLength(text)}:${text}`)
    const { value } = await this.#packets.next()
    const [, , error, result] = value as [number, number, unknown, { value: unknown }]
    if (error) throw new Error(`${name}: ${JSON.stringify(error)}`)
    return result.value
  }

  async script(body: string): Promise<unknown> {
    const script = `const done = arguments[arguments.length - 1]
      ;(async () => {${body}\n})().then(value => done({ value }), error => done({ error: String(error) }))`
    const answer = (await this.send('WebDriver:ExecuteAsyncScript', { script, args: [] })) as {
      value?: unknown
      error?: string
    }
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer.value
  }

  close(): void {
    this.#socket.destroy()
  }
}

async function* packets(socket: Socket): AsyncGenerator<unknown> {
  let rest = Buffer.alloc(0)
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk as Buffer])
    for (;;) {
      const colon = rest.indexOf(':')
      const end = colon + 1 + Number(rest.subarray(0, colon).toString())
      if (colon < 0 || rest.length < end) break
      yield JSON.parse(rest.subarray(colon + 1, end).toString())
      rest = rest.subarray(end)
    }
  }
}
