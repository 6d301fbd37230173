import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type DnsServer, startDnsServer } from '../support/dns-server.ts'
import { eventually, run, scratch } from '../support/peer.ts'
import { type Postfix, startPostfix } from '../support/postfix.ts'
import { describeWith } from '../support/programs.ts'
import { ServerProcess } from '../support/server-process.ts'

const RETRY = "queue: { retry: ['1s'], jitter: 0 }, accounts: ['alice@example.test', 'bob@example.test'],"

interface QueueEntry {
  readonly attempts: number
  readonly lastAttempt: { readonly text: string } | null
}

describeWith(
  ['swaks', 'postfix', 'knotd', 'knotc', 'dig', 'curl', 'mutt', 'script'],
  'a server as an operator runs it, among real ones',
  () => {
    let dns: DnsServer
    let postfix: Postfix
    let server: ServerProcess

    beforeAll(async () => {
      dns = await startDnsServer({ 'elsewhere.test': ['@ MX 10 mx', 'mx A 127.0.0.1'] })
      postfix = await startPostfix({ users: ['carol@elsewhere.test'] })
      server = await ServerProcess.create({
        dns: dns.address,
        outbound: `{ port: ${postfix.port}, allowLoopback: true, deadHost: '100ms' }`,
        more: RETRY,
      })
      await server.start()
    })

    afterAll(async () => {
      expect(await server?.end('SIGTERM')).toBe(0)
      await server?.[Symbol.asyncDispose]()
      await postfix?.[Symbol.asyncDispose]()
      await dns?.[Symbol.asyncDispose]()
    })

    const submit = (to: string, subject: string) =>
      run('swaks', [
        ...['--server', `127.0.0.1:${server.ports.submission}`, '--tls', '--auth', 'PLAIN'],
        ...['--auth-user', 'alice@example.test', '--auth-password', server.password('alice@example.test')],
        ...[
          '--from',
          'alice@example.test',
          '--to',
          to,
          '--header',
          `Subject: ${subject}`,
          '--body',
          `the body of ${subject}`,
        ],
      ])

    /** The source of every message in the INBOX of an account, by curl over IMAP with TLS. */
    async function inbox(address: string): Promise<string[]> {
      const curl = (path: string) =>
        run('curl', [
          '-sk',
          `imaps://127.0.0.1:${server.ports.imaps}/${path}`,
          '-u',
          `${address}:${server.password(address)}`,
        ])
      const messages: string[] = []
      for (let number = 1; ; number++) {
        const { code, stdout } = await curl(`INBOX;MAILINDEX=${number}`)
        if (code !== 0) return messages
        messages.push(stdout)
      }
    }

    async function json<T>(...args: string[]): Promise<T> {
      const { code, stdout, stderr } = await server.command(...args, '--json')
      expect(code, stderr).toBe(0)
      return JSON.parse(stdout) as T
    }

    it('takes a submission to a neighbour, who reads it over IMAP and POP3', async () => {
      const sent = await submit('bob@example.test', 'to a neighbour')
      expect(sent.code, sent.stdout).toBe(0)
      expect((await inbox('bob@example.test')).at(-1)).toContain('the body of to a neighbour')
      const pop = await run('curl', [
        ...['-sk', `pop3s://127.0.0.1:${server.ports.pop3s}/1`],
        ...['-u', `bob@example.test:${server.password('bob@example.test')}`],
      ])
      expect(pop.stdout).toContain('the body of to a neighbour')
    })

    it('delivers a submission to another server, found by MX, and shows its journey', async () => {
      const sent = await submit('carol@elsewhere.test', 'over the hills')
      expect(sent.code, sent.stdout).toBe(0)
      const [message] = await eventually(() => {
        const found = postfix.messages('carol@elsewhere.test')
        return found.length > 0 && found
      })
      expect(message?.toString()).toContain('the body of over the hills')
      const { stdout } = await server.command('trace', 'carol@elsewhere.test')
      expect(stdout).toContain('mx.elsewhere.test')
      expect(stdout).toMatch(/delivered/i)
    }, 30_000)

    it('keeps a message while the other server is down, shows why, and delivers it when it is back', async () => {
      await postfix.stop()
      const sent = await submit('carol@elsewhere.test', 'patience')
      expect(sent.code, sent.stdout).toBe(0)
      const waiting = await eventually(async () => {
        const { entries } = await json<{ entries: QueueEntry[] }>('queue', 'list', '--domain', 'elsewhere.test')
        const [entry] = entries
        return entry !== undefined && entry.attempts > 0 && entry
      })
      expect(waiting.lastAttempt?.text).toContain('ECONNREFUSED')

      // A restart in between: the queue is on disk.
      expect(await server.end('SIGTERM')).toBe(0)
      await server.start()
      await postfix.start()
      await eventually(
        () => postfix.messages('carol@elsewhere.test').some((message) => message.includes('the body of patience')),
        20_000,
      )
      await eventually(async () => (await json<{ entries: QueueEntry[] }>('queue', 'list')).entries.length === 0)
    }, 60_000)

    it('tells the sender, in a report that mutt shows, that the recipient is unknown there', async () => {
      const sent = await submit('nobody@elsewhere.test', 'to nobody')
      expect(sent.code, sent.stdout).toBe(0)
      const report = await eventually(async () =>
        (await inbox('alice@example.test')).find((message) => message.includes('nobody@elsewhere.test')),
      )
      expect(report).toMatch(/^Return-Path: <>\r$/m)
      expect(report).toContain('multipart/report')

      using home = scratch('mutt')
      const at = (name: string) => join(home.path, name)
      writeFileSync(at('certs'), readFileSync(join(server.dataDir, 'tls', 'cert.pem')))
      const settings = {
        imap_user: 'alice@example.test',
        imap_pass: server.password('alice@example.test'),
        certificate_file: at('certs'),
      }
      const lines = Object.entries(settings).map(([name, value]) => `set ${name}="${value}"`)
      const flags =
        'set ssl_verify_host=no ssl_verify_dates=no ssl_force_tls=yes wait_key=no pipe_decode=yes header_cache='
      const keys = `push "<tag-pattern>~A<enter><tag-prefix><pipe-message>cat >> ${at('out')}<enter><exit>"`
      writeFileSync(at('muttrc'), [...lines, flags, keys].join('\n'))
      const mutt = `mutt -F ${at('muttrc')} -f imaps://127.0.0.1:${server.ports.imaps}/INBOX`
      await run('script', ['-qec', mutt, at('typescript')], {
        env: { HOME: home.path, TERM: 'xterm', LANG: 'C.UTF-8' },
        timeoutMs: 20_000,
      })
      const shown = readFileSync(at('out'), 'utf8')
      expect(shown).toContain('nobody@elsewhere.test')
      expect(shown).toMatch(/550 5\.1\.1/)
    }, 60_000)

    it('relays nothing for strangers, and lets nobody send in another name', async () => {
      const stranger = await run('swaks', [
        ...['--server', `127.0.0.1:${server.ports.smtp}`, '--from', 'x@spam.test', '--to', 'carol@elsewhere.test'],
      ])
      expect(stranger.stdout).toMatch(/<\*\* 554 5\.7\.1/)
      const impostor = await run('swaks', [
        ...['--server', `127.0.0.1:${server.ports.submission}`, '--tls', '--auth', 'PLAIN'],
        ...['--auth-user', 'alice@example.test', '--auth-password', server.password('alice@example.test')],
        ...['--from', 'bob@example.test', '--to', 'carol@elsewhere.test'],
      ])
      expect(impostor.stdout).toMatch(/<~\* 55\d 5\.7\.1/)
    })
  },
)
