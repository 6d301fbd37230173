import type { Address } from '../mail/address.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'
import type { MessageIndex } from '../mail/message-index.ts'
import { defineHook } from './hook.ts'
import type { Slots } from './slot.ts'
import type { HeaderField } from './verdict.ts'

/**
 * The moments of a message's way at which plugins may act, in order. This is the plugin API's heart: a change here is
 * a change of `API_VERSION`. Inputs are read-only views.
 */

/** A peer that speaks SMTP, submission, LMTP, IMAP or POP3 to us. */
export interface Connection {
  /** Correlates all log lines of the session. */
  readonly id: string
  /** `smtp`, `submission`, `lmtp`, `imap`, `pop3`, … */
  readonly protocol: string
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  /** The TLS protocol and cipher, once there is TLS. */
  readonly tls?: { readonly version: string; readonly cipher: string }
  readonly openedAt: number
  /** Plugins' own data for as long as the connection lasts. */
  readonly slots: Slots
}

/** A session that sends mail, at the moment of the hook. */
export interface SmtpSession {
  readonly connection: Connection
  /** Name given in HELO, EHLO or LHLO. */
  readonly helo: string | undefined
  /** The account that logged in. */
  readonly account: { readonly id: string; readonly address: Address } | undefined
}

export interface MailFromInput {
  readonly session: SmtpSession
  /** undefined: the null reverse-path. */
  readonly sender: Address | undefined
  /** SIZE parameter, octets. */
  readonly announcedSize: number | undefined
}

export interface RcptToInput {
  readonly session: SmtpSession
  readonly sender: Address | undefined
  readonly recipient: Recipient
  readonly isLocal: boolean
}

/** A message that has been received in full and is stored, but not yet accepted. */
export interface ReceivedMessage {
  readonly id: string
  readonly session: SmtpSession
  readonly envelope: Envelope
  readonly index: MessageIndex
  readonly size: number
  /** The header section, as received, the empty line left out. */
  readonly header: Buffer
  /** The whole message as received; a new stream at each call. */
  open(): NodeJS.ReadableStream
  /** Plugins' own data for this message. */
  readonly slots: Slots
}

/** A client has connected. Refusing ends the connection. */
export const connectionOpened = defineHook.verdict<{ readonly connection: Connection }>('connection:opened')

export const helo = defineHook.verdict<{ readonly session: SmtpSession; readonly name: string }>('smtp:helo')

/**
 * Checks a login that the directory does not know itself (LDAP, an HTTP service). Answers the address of the account
 * to log in as, or `false` for a wrong password; nothing to leave it to the next, and at last to the directory.
 */
export const authenticate = defineHook.resolve<
  { readonly login: string; readonly password: string; readonly protocol: string; readonly remoteAddress: string },
  { readonly address: Address } | false
>('session:authenticate')

/**
 * Checks a token of an OAuth 2 provider (RFC 7628). Answers the address of the account it was given to, or `false` for a
 * token that is not right; nothing to leave it to the next. Logins by token are offered while a plugin handles this.
 */
export const authenticateToken = defineHook.resolve<
  {
    readonly token: string
    /** Who the client says it is; the token alone decides. */
    readonly login: string | undefined
    readonly protocol: string
    readonly remoteAddress: string
  },
  { readonly address: Address } | false
>('session:authenticate-token')

export const mailFrom = defineHook.verdict<MailFromInput>('smtp:mail-from')

export const rcptTo = defineHook.verdict<RcptToInput>('smtp:rcpt-to')

/** The whole message is here. The place for spam and virus checks. A long timeout: senders wait ten minutes (RFC 5321 section 4.5.3.2.6). */
export const messageReceived = defineHook.verdict<ReceivedMessage>('message:received', { timeoutMs: 60_000 })

/** Header fields to put above the message: each handler returns the list it was given, and its own. */
export const messageStamped = defineHook.transform<readonly HeaderField[], ReceivedMessage>('message:stamped')

/** Who gets the mail of an address that the directory does not know: the addresses it stands for. */
export const recipientResolved = defineHook.resolve<
  { readonly address: Address },
  { readonly addresses: readonly Address[] }
>('recipient:resolve')

/** Next hop for a remote recipient, e.g. `smtp://gw.example:25`; nothing for MX. */
export const routeChosen = defineHook.resolve<
  { readonly sender: Address | undefined; readonly recipient: Address },
  { readonly route: string }
>('route:choose')

/** Where a copy is filed in its account. */
export interface Filing {
  /** Mailbox name, created when it does not exist. */
  readonly mailbox: string
  readonly flags: readonly string[]
}

/** Decides where the message goes in one account. The place for Sieve. */
export const delivery = defineHook.transform<
  Filing,
  {
    readonly account: string
    readonly recipient: string
    readonly sender: Address | undefined
    readonly index: MessageIndex
  }
>('message:delivery')

/** A try to hand a message to another server has ended. */
export interface RelayAttempt {
  readonly message: string
  readonly destination: string
  readonly recipients: readonly string[]
  readonly outcome: 'delivered' | 'deferred' | 'failed'
  readonly status: string
  readonly text: string
}

/** Asked before each attempt: a defer puts it off, a reject bounces it. The place for rate limits and warm-up. */
export const relayAttempt = defineHook.verdict<{
  readonly message: string
  readonly destination: string
  readonly sender: Address | undefined
  readonly recipients: readonly Address[]
}>('relay:attempt')

/** Each recipient of a message has been delivered, has failed, or waits for its next attempt. */
export const settled = defineHook.notify<RelayAttempt>('message:settled')

/** Mailboxes of an account have changed and the change is on disk. */
export const mailboxChanged = defineHook.notify<{
  readonly account: string
  readonly mailbox: string | undefined
  readonly kind: 'appended' | 'flags' | 'expunged' | 'mailboxes' | 'metadata'
}>('mailbox:changed')

/** Every hook of the core, in the order of a message's way. */
export const MOMENTS = [
  connectionOpened,
  helo,
  authenticate,
  authenticateToken,
  mailFrom,
  rcptTo,
  messageReceived,
  messageStamped,
  recipientResolved,
  routeChosen,
  delivery,
  relayAttempt,
  settled,
  mailboxChanged,
] as const
