import type {
  Authenticator,
  BlobStore,
  Directory,
  JmapSession,
  Listeners,
  MailStore,
  Sasl,
  SearchIndex,
  Sessions,
  TlsContexts,
} from 'mailserver'
import type { MailboxMirrors } from './mailbox-mirrors.ts'

/** What the sessions of this worker share. */
export interface ImapServices {
  readonly store: MailStore
  readonly blobs: BlobStore
  /** Absent: text is read when it is searched. */
  readonly index?: SearchIndex | undefined
  readonly authenticator: Authenticator
  readonly sasl: Sasl
  readonly directory: Directory
  readonly tls: TlsContexts
  readonly listeners: Listeners
  readonly sessions: Sessions
  readonly mirrors: MailboxMirrors
  /** Undefined where nothing speaks JMAP. */
  readonly jmap?: JmapSession | undefined
}
