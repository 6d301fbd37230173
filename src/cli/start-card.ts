import type { ListenerView, ServerStatus } from '../control/server-status.ts'
import { paint } from './paint.ts'
import { table } from './table.ts'
import { tlsText } from './tls-text.ts'

/** What a start prints: what listens, who can log in, and how to try it. */
export interface StartCard {
  readonly hostname: string
  readonly pid: number
  readonly configFile: string
  readonly dataDir: string
  readonly listeners: readonly ListenerView[]
  readonly certificate: ServerStatus['certificate']
  readonly accounts: readonly {
    readonly address: string /** null: as the config or an operator set it. */
    readonly password: string | null
  }[]
  /** Commands that can be pasted; absent when nothing listens that they need. */
  readonly send: string | null
  readonly read: string | null
}

/**
 * @param generated passwords that were made for accounts of the config, by address
 * @param accounts addresses of the config's accounts
 */
export function startCard(
  status: ServerStatus,
  accounts: readonly string[],
  generated: Readonly<Record<string, string>>,
): StartCard {
  const { hostname, pid, configFile, dataDir, listeners, certificate } = status
  const passwords = new Map(Object.entries(generated))
  const people = accounts.map((address) => ({ address, password: passwords.get(address) ?? null }))
  const insecure = certificate?.isSelfSigned !== false
  return {
    hostname,
    pid,
    configFile,
    dataDir,
    listeners,
    certificate,
    accounts: people,
    send: sendCommand(listeners, people, insecure),
    read: readCommand(listeners, people, insecure),
  }
}

type People = StartCard['accounts']

function sendCommand(listeners: readonly ListenerView[], people: People, insecure: boolean): string | null {
  const to = people[0]
  const from = people[1] ?? to
  const listener = preferTls(listeners, 'submission')
  if (to === undefined || from === undefined || listener === undefined) return null
  const message = `From: ${from.address}\\r\\nTo: ${to.address}\\r\\nSubject: Hello\\r\\n\\r\\nIt works.\\r\\n`
  const addresses = `--mail-from ${quote(from.address)} --mail-rcpt ${quote(to.address)}`
  const url = urlOf(listener, 'smtp', 'smtps')
  return `printf ${quote(message)} | curl -sS${insecure ? 'k' : ''} ${url} ${login(from)} ${addresses} -T -`
}

function readCommand(listeners: readonly ListenerView[], people: People, insecure: boolean): string | null {
  const who = people[0]
  const listener = preferTls(listeners, 'imap')
  if (who === undefined || listener === undefined) return null
  const options = `curl -sS${insecure ? 'k' : ''}`
  // The last message of the mailbox, whatever its number.
  return `${options} ${urlOf(listener, 'imap', 'imaps', '/INBOX;MAILINDEX=*')} ${login(who)}`
}

function preferTls(listeners: readonly ListenerView[], protocol: string): ListenerView | undefined {
  const of = listeners.filter((one) => one.protocol === protocol && !one.address.startsWith('unix:'))
  return of.find(({ tls }) => tls) ?? of[0]
}

function urlOf({ address, tls }: ListenerView, plain: string, secure: string, path = ''): string {
  const reachable = address.replace(/^tls:\/\//, '').replace(/^(?:0\.0\.0\.0|\*|\[?::\]?)(?=:\d+$)/, '127.0.0.1')
  const url = quote(`${tls ? secure : plain}://${reachable}${path}`)
  return tls ? url : `--ssl-reqd ${url}`
}

/** Without a password curl asks for it. */
function login({ address, password }: People[number]): string {
  return `--user ${quote(password === null ? address : `${address}:${password}`)}`
}

/** For a POSIX shell. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

export function renderCard(card: StartCard): string {
  const lines = [
    `${paint.bold(card.hostname)} ${paint.green('is running')} (process ${card.pid})`,
    paint.dim(`config ${card.configFile}, data ${card.dataDir}`),
    '',
    table(card.listeners, [
      { title: 'PROTOCOL', of: ({ protocol }) => protocol },
      { title: 'ADDRESS', of: ({ address }) => address },
      { title: 'TLS', of: tlsText },
    ]),
  ]
  if (card.certificate?.isSelfSigned === true) {
    lines.push(
      '',
      `Certificate: self-signed, ${card.certificate.fingerprint}`,
      paint.dim(card.certificate.certFile ?? ''),
    )
  }
  if (card.accounts.length > 0) {
    const accounts = table(card.accounts, [
      { title: 'ACCOUNT', of: ({ address }) => address },
      { title: 'PASSWORD', of: ({ password }) => password ?? '(as it was set)' },
    ])
    lines.push('', accounts)
  }
  if (card.send !== null) lines.push('', 'Send a message:', '', `  ${card.send}`)
  if (card.read !== null) lines.push('', 'Read it:', '', `  ${card.read}`)
  lines.push('')
  return lines.join('\n')
}
