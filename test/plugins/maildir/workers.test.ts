import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ImapFlow } from 'imapflow'
import { describe, expect, it } from 'vitest'
import { readUidList } from '../../../plugins/maildir/files/uid-list.ts'
import { parseFileName } from '../../../plugins/maildir/names/file-name.ts'
import { eventually } from '../../support/peer.ts'
import { ServerProcess } from '../../support/server-process.ts'
import { SmtpDialog } from '../../support/smtp-dialog.ts'
import { messageFiles } from './audit.ts'

/** MAILDIR_ENDS=50 for a long walk. */
const ENDS = Number(process.env.MAILDIR_ENDS ?? 6)
const USER = 'alice@example.test'

/** A server of two worker threads; one of them dies by an error that nobody catches when the file `crash` appears. */
async function startServer(): Promise<ServerProcess> {
  const server = await ServerProcess.create({ more: `workers: 2, accounts: ['${USER}'],` })
  const file = join(server.directory, 'mailserver.config.ts')
  const crasher = `
import { renameSync } from 'node:fs'
import { definePlugin } from 'mailserver'
import { maildir } from 'mailserver/plugins/maildir'
import { z } from 'zod'

const crasher = definePlugin({
  name: 'crasher',
  apiVersion: '^1',
  options: z.object({}),
  setup: () => ({
    start() {
      setInterval(() => {
        try {
          renameSync('crash', 'crashed')
        } catch {
          return
        }
        throw new Error('crashed by the test')
      }, 5).unref()
    },
  }),
})
`
  const text = readFileSync(file, 'utf8')
    .replace("from 'mailserver'\n", `from 'mailserver'${crasher}`)
    .replace('level(),', `level(), maildir({ path: './mail/%n' }), crasher({}),`)
  writeFileSync(file, text)
  await server.start()
  // One worker listens before the other is there: a crash in its start would be one of the whole server's.
  await eventually(() => server.output.includes('the server is running'), 30_000)
  return server
}

async function connect(server: ServerProcess): Promise<ImapFlow> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: server.ports.imap,
    secure: false,
    auth: { user: USER, pass: server.password(USER) },
    tls: { rejectUnauthorized: false },
    logger: false,
  })
  client.on('error', () => {})
  await client.connect()
  return client
}

const octetsOf = (name: string) => `Subject: ${name}\r\n\r\nbody of ${name}\r\n${'x'.repeat(name.length * 40)}\r\n`

/** What people and programs were told: messages that are there, once, and such as may be. */
class Told {
  readonly kept = new Set<string>()
  readonly maybe = new Set<string>()
  isStopping = false

  /** Works until it is told to stop; an error is a worker that has died, and what was under way is not known. */
  async loop(work: (name: string) => Promise<void>, prefix: string): Promise<void> {
    for (let at = 0; !this.isStopping; at++) {
      const name = `${prefix}-${at}`
      this.maybe.add(name)
      await work(name).catch(() => sleep(50))
    }
  }

  keep(name: string): void {
    this.maybe.delete(name)
    this.kept.add(name)
  }
}

async function deliver(server: ServerProcess, name: string): Promise<void> {
  await using dialog = await SmtpDialog.connect(server.ports.smtp)
  await dialog.expect(220)
  await dialog.command('EHLO client.example.test', 250)
  await dialog.command('MAIL FROM:<a@example.org>', 250)
  await dialog.command(`RCPT TO:<${USER}>`, 250)
  await dialog.command('DATA', 354)
  await dialog.command(`${octetsOf(name)}.`, 250)
}

/** Appends, flags and moves by IMAP; a session that ends is opened again. */
function imapPerson(server: ServerProcess, told: Told, flagged: Set<string>) {
  let client: ImapFlow | undefined
  const work = async (name: string) => {
    if (!client?.usable) {
      client = await connect(server)
      await client.mailboxOpen('INBOX')
    }
    try {
      const appended = await client.append('INBOX', octetsOf(name), ['\\Seen'])
      const uid = appended ? String(appended.uid) : ''
      if (uid === '') throw new Error('not appended')
      told.keep(name)
      // It says false, and does not throw, when the session has ended.
      if (!(await client.messageFlagsAdd(uid, ['\\Flagged', 'Busy'], { uid: true }))) throw new Error('not flagged')
      flagged.add(name)
      if (name.endsWith('3')) await client.messageMove(uid, 'Archive', { uid: true })
    } catch (error) {
      client.close()
      client = undefined
      throw error
    }
  }
  return { work, end: () => client?.logout().catch(() => {}) }
}

/** A delivery agent, and somebody who reads with mutt. */
async function outside(root: string, name: string): Promise<void> {
  writeFileSync(join(root, 'tmp', name), octetsOf(name).replaceAll('\r\n', '\n'))
  renameSync(join(root, 'tmp', name), join(root, 'new', name))
  await sleep(30)
  renameSync(join(root, 'new', name), join(root, 'cur', `${name}:2,S`))
  await sleep(20)
}

interface Seen {
  readonly mailbox: string
  readonly uid: number
  readonly flags: ReadonlySet<string>
}

async function seen(server: ServerProcess): Promise<Map<string, Seen[]>> {
  const client = await connect(server)
  const all = new Map<string, Seen[]>()
  for (const mailbox of ['INBOX', 'Archive']) {
    const { exists } = await client.mailboxOpen(mailbox)
    if (exists === 0) continue
    for await (const message of client.fetch('1:*', { uid: true, flags: true, envelope: true })) {
      const subject = message.envelope?.subject ?? ''
      all.set(subject, [...(all.get(subject) ?? []), { mailbox, uid: message.uid, flags: message.flags ?? new Set() }])
    }
  }
  await client.logout()
  return all
}

/** Undefined of half a message, and of one that is renamed in this moment. What comes by SMTP has a trace on top. */
function subjectOf(file: string): string | undefined {
  try {
    return /^Subject: (\S+)\n\nbody of \1\nx+\n$/m.exec(readFileSync(file, 'latin1'))?.[1]
  } catch {
    return undefined
  }
}

/** The files once the flags of all are in their names. */
async function settledFiles(root: string): Promise<string[]> {
  let before: string[] = []
  await eventually(async () => {
    const now = messageFiles(root).sort()
    const isSame = now.join() === before.join()
    before = now
    await sleep(1_000)
    return isSame
  }, 30_000)
  return before
}

describe('two workers on one Maildir', () => {
  it(
    'lose nothing and double nothing while they die and are replaced, and other programs go on',
    async () => {
      await using server = await startServer()
      const root = join(server.directory, 'mail/alice')
      await deliver(server, 'first')
      await eventually(() => existsSync(join(root, 'cur')) && messageFiles(root).length === 1)
      const told = new Told()
      told.keep('first')
      const flagged = new Set<string>()
      const people = [imapPerson(server, told, flagged), imapPerson(server, told, flagged)]
      const deliverer = async (name: string) => {
        await deliver(server, name)
        told.keep(name)
      }
      const agent = async (name: string) => {
        told.keep(name)
        await outside(root, name)
      }
      const work = [
        told.loop(deliverer, 'smtp-a'),
        told.loop(deliverer, 'smtp-b'),
        ...people.map((person, at) => told.loop(person.work, `imap-${at}`)),
        told.loop(agent, 'outside'),
      ]
      for (let end = 0; end < ENDS; end++) {
        await sleep(500 + ((end * 173) % 400))
        if (end % 3 === 2) {
          const { code, stderr } = await server.command('reload')
          expect(code, `${stderr}\n${server.output}`).toBe(0)
        } else {
          writeFileSync(join(server.directory, 'crash'), '')
          await eventually(() => existsSync(join(server.directory, 'crashed')))
          await eventually(() => !existsSync(join(server.directory, 'crash')))
        }
      }
      await sleep(500)
      told.isStopping = true
      await Promise.all(work)
      await Promise.all(people.map(({ end }) => end()))
      expect(told.kept.size).toBeGreaterThan(ENDS * 10)

      const expected = [...told.kept].sort()
      const names = (list: Iterable<string>) => [...list].filter((name) => !told.maybe.has(name)).sort()
      await eventually(async () => (await seen(server)).size >= expected.length)
      const there = await seen(server)
      // Nothing is written for as long as the lease of the one that died last goes on.
      await eventually(() => messageFiles(root).length >= there.size, 60_000)
      const files = await settledFiles(root)
      expect(names([...there].flatMap(([name, each]) => each.map(() => name)))).toEqual(expected)
      for (const name of told.maybe) expect(there.get(name)?.length ?? 0, name).toBeLessThanOrEqual(1)
      const inFiles = files.map((file) => subjectOf(file) ?? file)
      expect(inFiles.sort()).toEqual([...there.keys()].sort())
      for (const name of flagged)
        expect([...(there.get(name)?.[0]?.flags ?? [])], name).toEqual(
          expect.arrayContaining(['\\Flagged', 'Busy', '\\Seen']),
        )
      for (const [mailbox, path] of [
        ['INBOX', root],
        ['Archive', join(root, '.Archive')],
      ] as const) {
        await eventually(async () => {
          const list = await readUidList(path)
          return [...there.values()]
            .flat()
            .filter((one) => one.mailbox === mailbox)
            .every(({ uid }) => [...(list?.uids.values() ?? [])].includes(uid))
        })
        const list = await readUidList(path)
        for (const file of ['new', 'cur'].flatMap((place) =>
          readdirSync(join(path, place)).map((name) => join(path, place, name)),
        )) {
          const key = parseFileName(file.slice(file.lastIndexOf('/') + 1))?.key ?? ''
          const message = there.get(subjectOf(file) ?? '')?.[0]
          expect(list?.uids.get(key), file).toBe(message?.uid)
        }
      }
      expect(readdirSync(join(root, 'tmp'))).toEqual([])
      // Some of those that ended were the one that writes.
      expect(server.output.split('this worker writes the Maildirs from now on').length).toBeGreaterThan(2)
    },
    120_000 + ENDS * 5_000,
  )
})
