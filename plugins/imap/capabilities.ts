import type { ServerFacts } from 'mailserver'
import type { State } from './command.ts'

interface Capability {
  readonly name: string
  readonly isShown: (state: State, isTls: boolean) => boolean
}

const always = () => true
const beforeLogin = (state: State) => state === 'not-authenticated'
const afterLogin = (state: State) => state !== 'not-authenticated'
const inClear = (state: State, isTls: boolean) => !isTls && beforeLogin(state)
const canLogIn = (state: State, isTls: boolean) => isTls && beforeLogin(state)

const CAPABILITIES: readonly Capability[] = [
  { name: 'IMAP4rev1', isShown: always },
  { name: 'LITERAL+', isShown: always },
  { name: 'SASL-IR', isShown: beforeLogin },
  { name: 'ID', isShown: always },
  { name: 'ENABLE', isShown: always },
  { name: 'STARTTLS', isShown: inClear },
  { name: 'LOGINDISABLED', isShown: inClear },
  { name: 'AUTH=PLAIN', isShown: canLogIn },
  { name: 'AUTH=LOGIN', isShown: canLogIn },
  { name: 'IDLE', isShown: afterLogin },
  { name: 'NAMESPACE', isShown: afterLogin },
  { name: 'UNSELECT', isShown: afterLogin },
  { name: 'UIDPLUS', isShown: afterLogin },
  { name: 'MOVE', isShown: afterLogin },
  { name: 'CHILDREN', isShown: afterLogin },
  { name: 'SPECIAL-USE', isShown: afterLogin },
  { name: 'CREATE-SPECIAL-USE', isShown: afterLogin },
  { name: 'MULTIAPPEND', isShown: afterLogin },
  { name: 'CONDSTORE', isShown: afterLogin },
  { name: 'QRESYNC', isShown: afterLogin },
  { name: 'ESEARCH', isShown: afterLogin },
  { name: 'LIST-EXTENDED', isShown: afterLogin },
  { name: 'LIST-STATUS', isShown: afterLogin },
  { name: 'STATUS=SIZE', isShown: afterLogin },
]

/** `CAPABILITY IMAP4rev1 …` as it is for this client now (RFC 3501 section 7.2.1). */
export function capabilityText({ state, isTls, server }: Client): string {
  const names = CAPABILITIES.filter(({ isShown }) => isShown(state, isTls)).map(({ name }) => name)
  const { messageBytes } = server.limits
  // RFC 7889 section 3: one limit for every mailbox.
  if (afterLogin(state) && messageBytes > 0) names.push(`APPENDLIMIT=${messageBytes}`)
  return `CAPABILITY ${names.join(' ')}`
}

interface Client {
  readonly state: State
  readonly isTls: boolean
  readonly server: ServerFacts
}
