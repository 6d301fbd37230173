import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ImapFlow } from 'imapflow'
import { expect, it } from 'vitest'
import { directoryOf } from '../../plugins/maildir/names/folder-name.ts'
import { seeded } from '../../src/testing/mail-store-contract/walk-model.ts'
import { eventually } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { ServerProcess } from '../support/server-process.ts'
import { Dovecot, NOBODY } from './maildir-server.ts'
import { FLAGS, FOLDERS, viewOf, Walk, Walker } from './maildir-walker.ts'

/** MAILDIR_WALK=500 for a long walk, MAILDIR_SEED=1 for one that was. */
const STEPS = Number(process.env.MAILDIR_WALK ?? 40)
const SEED = Number(process.env.MAILDIR_SEED ?? Date.now() % 100_000)
const PEOPLE = 3
const SETTLE_MS = 30_000
const USER = 'alice@example.test'

async function startServer(): Promise<ServerProcess> {
  const server = await ServerProcess.create({ more: `accounts: ['${USER}'],`, user: Number(NOBODY) })
  const file = join(server.directory, 'mailserver.config.ts')
  const text = readFileSync(file, 'utf8')
    .replace("from 'mailserver'\n", "from 'mailserver'\nimport { maildir } from 'mailserver/plugins/maildir'\n")
    .replace('level(),', `level(), maildir({ path: './mail/%n' }),`)
  writeFileSync(file, text)
  await server.start()
  return server
}

async function connect(port: number, pass: string, onError: (error: Error) => void = () => {}): Promise<ImapFlow> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port,
    secure: false,
    auth: { user: USER, pass },
    tls: { rejectUnauthorized: false },
    logger: false,
    disableAutoIdle: true,
  })
  client.on('error', onError)
  await client.connect()
  return client
}

/** What is in a Maildir and has no place there. @param crashed processes whose drafts nobody has taken away */
function strangers(root: string, crashed: ReadonlySet<number>): string[] {
  const strange: string[] = []
  for (const folder of [
    root,
    ...readdirSync(root)
      .filter((name) => name.startsWith('.'))
      .map((name) => join(root, name)),
  ]) {
    for (const name of readdirSync(folder)) {
      const isKnown = /^(?:cur|new|tmp|dovecot.*|maildirfolder|subscriptions|maildirsize)$/.test(name)
      if ((!isKnown && !(folder === root && name.startsWith('.'))) || name.endsWith('.lock'))
        strange.push(join(folder, name))
    }
    const check = (place: string, form: RegExp) => {
      const at = join(folder, place)
      if (!existsSync(at)) return void strange.push(`${at} is missing`)
      for (const name of readdirSync(at)) if (!form.test(name)) strange.push(join(at, name))
    }
    check('tmp', new RegExp(`^\\d+\\.M\\d+P(?:${[0, ...crashed].join('|')})\\.`))
    check('new', /^\d+\.[^:/]+$/)
    check('cur', /^\d+\.[^:/]+:2,[A-Za-z]*$/)
  }
  return strange
}

/** What is in the folders, for whom a test fails. */
function listings(root: string): string[] {
  return ['', '.Archive', '.Lists'].flatMap((name) => {
    const folder = join(root, name)
    const files = ['new', 'cur'].flatMap((place) => readdirSync(join(folder, place)).map((file) => join(place, file)))
    const subjects = files.map(
      (file) => `${file} ${/^Subject: (.*)/m.exec(readFileSync(join(folder, file), 'latin1'))?.[1]}`,
    )
    const lists = ['dovecot-keywords', 'dovecot-uidlist']
      .map((list) => join(folder, list))
      .filter((list) => existsSync(list))
    return [folder, ...subjects, ...lists.map((list) => readFileSync(list, 'utf8'))]
  })
}

describeWith(['dovecot', 'setpriv'], 'Dovecot and we on one Maildir, at the same time', () => {
  it(
    'lose nothing, double nothing, and come to the same view',
    async () => {
      await using server = await startServer()
      const root = join(server.directory, 'mail/alice')
      const pass = server.password(USER)
      const first = await connect(server.ports.imap, pass)
      for (const folder of FOLDERS.slice(1)) await first.mailboxCreate(folder).catch(() => {})
      // Each keyword has its letter: Dovecot writes its list of them without a look at what others have written to it.
      for (const folder of FOLDERS) {
        await first.append(folder, 'Subject: first\r\n\r\nbody\r\n', [...FLAGS])
        await eventually(() => existsSync(join(root, directoryOf(folder), 'dovecot-keywords')))
        await first.mailboxOpen(folder)
        await first.messageDelete('1:*')
      }
      await first.logout()
      const dovecot = new Dovecot(server.directory, root, '/')
      await using peer = await dovecot.listen()
      const walk = new Walk(seeded(SEED))
      const sessions = await Promise.all(
        Array.from({ length: PEOPLE * 2 }, async (_, at) => {
          const isOurs = at % 2 === 0
          const name = `${isOurs ? 'we' : 'dovecot'}${at}`
          const again = () =>
            connect(isOurs ? server.ports.imap : peer.port, pass, (error) => {
              if (isOurs) walk.wrong.push(`${name}: the connection has ended: ${error}`)
            })
          return Walker.start(walk, again, name, isOurs)
        }),
      )
      await Promise.all(sessions.map((walker) => walker.walk(STEPS)))
      await Promise.all(sessions.map((walker) => walker.end()))

      const onEnd = (error: Error) => void walk.wrong.push(`a connection has ended: ${error}`)
      const ours = await connect(server.ports.imap, pass, onEnd)
      const look = async () => {
        // A session of Dovecot may keep to the folders that it has seen at first.
        const theirs = await connect(peer.port, pass, onEnd)
        try {
          return { ours: await viewOf(ours), theirs: await viewOf(theirs) }
        } catch (error) {
          // A folder may go between one command and the next.
          return { ours: { lines: [String(error)], uids: [] }, theirs: { lines: [], uids: [] } }
        } finally {
          await theirs.logout().catch(() => {})
        }
      }
      let views = await look()
      const isSame = () => JSON.stringify(views.ours) === JSON.stringify(views.theirs)
      for (const until = Date.now() + SETTLE_MS; !isSame() && Date.now() < until; ) {
        await sleep(500)
        views = await look()
      }
      const told = [
        `seed ${SEED}`,
        ...walk.done,
        ...server.output.split('\n').filter((line) => line.includes('maildir')),
        readFileSync(peer.log, 'utf8'),
        ...listings(root),
      ].join('\n')
      const wrong = [...walk.wrong]
      for (const [name, { min, max }] of walk.known) {
        const count = views.ours.uids.filter((line) => line.endsWith(` ${name}`)).length
        if (count < min || count > max) wrong.push(`${name} is there ${count} times, not ${min} to ${max}`)
      }
      const differing = (ours: string[], theirs: string[]) => [
        ...ours.filter((line) => !theirs.includes(line)).map((line) => `we alone: ${line}`),
        ...theirs.filter((line) => !ours.includes(line)).map((line) => `Dovecot alone: ${line}`),
      ]
      wrong.push(...differing(views.ours.lines, views.theirs.lines), ...differing(views.ours.uids, views.theirs.uids))
      wrong.push(...views.ours.lines.filter((line) => line.endsWith('is not what it was')))
      wrong.push(...strangers(root, peer.crashed).map((path) => `${path} has no place there`))
      await ours.logout().catch(() => {})
      expect(wrong, told).toEqual([])
      expect(walk.done.length).toBeGreaterThan(STEPS * PEOPLE)
    },
    120_000 + STEPS * 1_000,
  )
})
