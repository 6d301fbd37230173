import type { ServerFacts } from 'mailserver'
import type { State } from './command.ts'
import type { ImapLimits } from './limits.ts'
import type { ImapServices } from './services.ts'
import { NEW_RIGHTS } from './wire/rights.ts'

/** What decides whether a capability is shown. */
export interface CapabilityClient {
  readonly state: State
  readonly isTls: boolean
  readonly isAdministrator: boolean
  readonly server: ServerFacts
  readonly limits: Pick<ImapLimits, 'messages' | 'saves'>
  readonly services: Pick<ImapServices, 'jmap'>
  /** Of SASL, those that can be used now. */
  readonly saslMechanisms: readonly string[]
  readonly offer: { has(name: string): boolean }
}

/** A capability and everything that exists with it alone: one entry is all that an extension needs to be switched off. */
export interface Capability {
  /** As it is switched off, and as it is shown unless `shownAs` says more. */
  readonly name: string
  /** The name with its value, e.g. `APPENDLIMIT=1024`; undefined: it is not shown to this client. */
  readonly shownAs?: (client: CapabilityClient) => string | undefined
  readonly isShown: (client: CapabilityClient) => boolean
  /** In capitals, e.g. `UID MOVE`. Without the capability they are unknown. */
  readonly commands?: readonly string[]
  /** Words inside other commands, behind the command's name: `STATUS SIZE`. Without the capability they are refused. */
  readonly items?: readonly string[]
  /** Capabilities without which it makes no sense. */
  readonly needs?: readonly string[]
  /** ENABLE switches it on (RFC 5161). */
  readonly isEnablable?: true
  /** It cannot be switched off. */
  readonly isFixed?: true
}

const always = () => true
const beforeLogin = ({ state }: CapabilityClient) => state === 'not-authenticated'
const afterLogin = ({ state }: CapabilityClient) => state !== 'not-authenticated'
const inClear = (client: CapabilityClient) => !client.isTls && beforeLogin(client)

const mechanism = (name: string): Capability => ({
  name: `AUTH=${name}`,
  isShown: (client) => client.isTls && beforeLogin(client) && client.saslMechanisms.includes(name),
  items: [`AUTHENTICATE ${name}`],
})

/** THREAD itself belongs to all three: it goes with the last of them. */
const threading = (name: string): Capability => ({
  name: `THREAD=${name}`,
  isShown: afterLogin,
  commands: ['THREAD', 'UID THREAD'],
  items: [`THREAD ${name}`],
})

/** In the order in which they are shown. */
export const CAPABILITIES: readonly Capability[] = [
  { name: 'IMAP4rev1', isShown: always, isFixed: true },
  {
    name: 'IMAP4rev2',
    isShown: always,
    isEnablable: true,
    // RFC 9051 appendix E: extensions that it has become.
    needs: [
      ...['BINARY', 'CHILDREN', 'ENABLE', 'ESEARCH', 'IDLE', 'LIST-EXTENDED', 'LIST-STATUS', 'MOVE', 'NAMESPACE'],
      ...['SASL-IR', 'SEARCHRES', 'SPECIAL-USE', 'STATUS=SIZE', 'UIDPLUS', 'UNSELECT'],
    ],
  },
  { name: 'LITERAL+', isShown: always, items: ['LITERAL +'] },
  // RFC 7888 section 3: one of the two is shown.
  { name: 'LITERAL-', isShown: ({ offer }) => !offer.has('LITERAL+') },
  { name: 'SASL-IR', isShown: beforeLogin, items: ['AUTHENTICATE INITIAL'] },
  { name: 'ID', isShown: always, commands: ['ID'] },
  { name: 'ENABLE', isShown: always, commands: ['ENABLE'] },
  { name: 'STARTTLS', isShown: inClear, commands: ['STARTTLS'] },
  { name: 'LOGINDISABLED', isShown: inClear, isFixed: true },
  ...['EXTERNAL', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'OAUTHBEARER', 'XOAUTH2', 'PLAIN', 'LOGIN'].map(mechanism),
  { name: 'IDLE', isShown: afterLogin, commands: ['IDLE'] },
  { name: 'UTF8=ACCEPT', isShown: afterLogin, items: ['APPEND UTF8'], needs: ['ENABLE'], isEnablable: true },
  { name: 'LANGUAGE', isShown: afterLogin, commands: ['LANGUAGE'] },
  { name: 'COMPRESS=DEFLATE', isShown: afterLogin, commands: ['COMPRESS'] },
  { name: 'NAMESPACE', isShown: afterLogin, commands: ['NAMESPACE'] },
  { name: 'UNSELECT', isShown: afterLogin, commands: ['UNSELECT'] },
  { name: 'UIDPLUS', isShown: afterLogin, commands: ['UID EXPUNGE'] },
  { name: 'MOVE', isShown: afterLogin, commands: ['MOVE', 'UID MOVE'] },
  { name: 'CHILDREN', isShown: afterLogin, items: ['LIST CHILDREN'] },
  { name: 'SPECIAL-USE', isShown: afterLogin, items: ['LIST SPECIAL-USE'] },
  { name: 'XLIST', isShown: afterLogin, commands: ['XLIST'] },
  { name: 'CREATE-SPECIAL-USE', isShown: afterLogin, items: ['CREATE USE'], needs: ['SPECIAL-USE'] },
  { name: 'MULTIAPPEND', isShown: afterLogin },
  { name: 'CATENATE', isShown: afterLogin, items: ['APPEND CATENATE'] },
  { name: 'URL-PARTIAL', isShown: afterLogin, items: ['APPEND PARTIAL'], needs: ['CATENATE'] },
  {
    name: 'CONDSTORE',
    isShown: afterLogin,
    items: [
      ...['STATUS HIGHESTMODSEQ', 'SELECT CONDSTORE', 'FETCH MODSEQ', 'FETCH CHANGEDSINCE'],
      ...['STORE UNCHANGEDSINCE', 'SEARCH MODSEQ'],
    ],
    isEnablable: true,
  },
  {
    name: 'QRESYNC',
    isShown: afterLogin,
    items: ['SELECT QRESYNC', 'FETCH VANISHED'],
    needs: ['CONDSTORE', 'ENABLE'],
    isEnablable: true,
  },
  {
    name: 'MESSAGELIMIT',
    isShown: afterLogin,
    items: ['SEARCH UIDAFTER', 'SEARCH UIDBEFORE'],
    shownAs: ({ limits: { messages } }) => (messages > 0 ? `MESSAGELIMIT=${messages}` : undefined),
  },
  {
    name: 'SAVELIMIT',
    isShown: afterLogin,
    shownAs: ({ limits: { saves } }) => (saves > 0 ? `SAVELIMIT=${saves}` : undefined),
  },
  { name: 'INPROGRESS', isShown: afterLogin },
  { name: 'UIDBATCHES', isShown: afterLogin, commands: ['UIDBATCHES'] },
  {
    name: 'JMAPACCESS',
    isShown: (client) => afterLogin(client) && client.services.jmap !== undefined,
    commands: ['GETJMAPACCESS'],
    needs: ['OBJECTID'],
  },
  { name: 'UIDONLY', isShown: afterLogin, needs: ['ENABLE'], isEnablable: true },
  { name: 'ESEARCH', isShown: afterLogin, items: ['SEARCH RETURN'] },
  { name: 'MULTISEARCH', isShown: afterLogin, commands: ['ESEARCH'], needs: ['ESEARCH'] },
  { name: 'SEARCHRES', isShown: afterLogin, items: ['SEQUENCE $', 'RETURN SAVE'], needs: ['ESEARCH'] },
  {
    name: 'PARTIAL',
    isShown: afterLogin,
    items: ['RETURN PARTIAL', 'PARTIAL LAST', 'FETCH PARTIAL'],
    needs: ['ESEARCH'],
  },
  {
    name: 'SEARCH=FUZZY',
    isShown: afterLogin,
    items: ['SEARCH FUZZY', 'RETURN RELEVANCY', 'SORT RELEVANCY'],
  },
  { name: 'SORT', isShown: afterLogin, commands: ['SORT', 'UID SORT'] },
  { name: 'SORT=DISPLAY', isShown: afterLogin, items: ['SORT DISPLAYFROM', 'SORT DISPLAYTO'], needs: ['SORT'] },
  { name: 'ESORT', isShown: afterLogin, items: ['SORT RETURN'], needs: ['SORT', 'ESEARCH'] },
  {
    name: 'CONTEXT=SEARCH',
    isShown: afterLogin,
    commands: ['CANCELUPDATE'],
    items: ['RETURN CONTEXT', 'RETURN UPDATE', 'RETURN PARTIAL'],
    needs: ['ESEARCH'],
  },
  {
    name: 'CONTEXT=SORT',
    isShown: afterLogin,
    items: ['SORT CONTEXT', 'SORT UPDATE'],
    needs: ['ESORT', 'CONTEXT=SEARCH'],
  },
  ...['ORDEREDSUBJECT', 'REFERENCES', 'REFS'].map(threading),
  { name: 'I18NLEVEL=1', isShown: afterLogin },
  { name: 'LIST-EXTENDED', isShown: afterLogin, items: ['LIST EXTENDED'] },
  { name: 'LIST-STATUS', isShown: afterLogin, items: ['LIST STATUS'], needs: ['LIST-EXTENDED'] },
  // RFC 8437 section 3: it need not be shown before login.
  { name: 'UNAUTHENTICATE', isShown: afterLogin, commands: ['UNAUTHENTICATE'] },
  {
    name: 'ACL',
    isShown: afterLogin,
    commands: ['SETACL', 'DELETEACL', 'GETACL', 'LISTRIGHTS', 'MYRIGHTS'],
  },
  { name: 'RIGHTS=', shownAs: () => `RIGHTS=${NEW_RIGHTS}`, isShown: afterLogin, needs: ['ACL'] },
  { name: 'LIST-MYRIGHTS', isShown: afterLogin, items: ['LIST MYRIGHTS'], needs: ['ACL', 'LIST-EXTENDED'] },
  { name: 'QUOTA', isShown: afterLogin, commands: ['GETQUOTA', 'GETQUOTAROOT'] },
  { name: 'QUOTA=RES-STORAGE', isShown: afterLogin, items: ['STATUS DELETED-STORAGE'], needs: ['QUOTA'] },
  { name: 'QUOTA=RES-MESSAGE', isShown: afterLogin, items: ['STATUS DELETED'], needs: ['QUOTA'] },
  {
    name: 'QUOTASET',
    isShown: ({ isAdministrator }) => isAdministrator,
    commands: ['SETQUOTA'],
    needs: ['QUOTA'],
  },
  {
    name: 'METADATA',
    isShown: afterLogin,
    items: ['GETMETADATA MAILBOX', 'NOTIFY MAILBOXMETADATACHANGE'],
    needs: ['METADATA-SERVER'],
    isEnablable: true,
  },
  {
    name: 'METADATA-SERVER',
    isShown: afterLogin,
    commands: ['GETMETADATA', 'SETMETADATA'],
    items: ['NOTIFY SERVERMETADATACHANGE'],
    isEnablable: true,
  },
  { name: 'LIST-METADATA', isShown: afterLogin, items: ['LIST METADATA'], needs: ['METADATA', 'LIST-EXTENDED'] },
  {
    name: 'OBJECTID',
    isShown: afterLogin,
    items: ['STATUS MAILBOXID', 'FETCH EMAILID', 'FETCH THREADID', 'SEARCH EMAILID', 'SEARCH THREADID'],
  },
  {
    name: 'SAVEDATE',
    isShown: afterLogin,
    items: ['FETCH SAVEDATE', 'SEARCH SAVEDBEFORE', 'SEARCH SAVEDON', 'SEARCH SAVEDSINCE', 'SEARCH SAVEDATESUPPORTED'],
  },
  { name: 'REPLACE', isShown: afterLogin, commands: ['REPLACE', 'UID REPLACE'] },
  { name: 'BINARY', isShown: afterLogin, items: ['FETCH BINARY', 'APPEND BINARY'] },
  { name: 'PREVIEW', isShown: afterLogin, items: ['FETCH PREVIEW'] },
  { name: 'WITHIN', isShown: afterLogin, items: ['SEARCH YOUNGER', 'SEARCH OLDER'] },
  { name: 'NOTIFY', isShown: afterLogin, commands: ['NOTIFY'], items: ['UPDATE ITEMS'] },
  { name: 'STATUS=SIZE', isShown: afterLogin, items: ['STATUS SIZE'] },
  {
    name: 'APPENDLIMIT',
    isShown: afterLogin,
    items: ['STATUS APPENDLIMIT'],
    // RFC 7889 section 3: one limit for every mailbox.
    shownAs: ({ server: { limits } }) => (limits.messageBytes > 0 ? `APPENDLIMIT=${limits.messageBytes}` : undefined),
  },
]

/** Names that may be switched off. */
export const SWITCHABLE: ReadonlySet<string> = new Set(
  CAPABILITIES.filter(({ isFixed }) => !isFixed).map(({ name }) => name),
)
