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
]

/** `CAPABILITY IMAP4rev1 …` as it is for this client now (RFC 3501 section 7.2.1). */
export function capabilityText({ state, isTls }: { readonly state: State; readonly isTls: boolean }): string {
  const names = CAPABILITIES.filter(({ isShown }) => isShown(state, isTls)).map(({ name }) => name)
  return `CAPABILITY ${names.join(' ')}`
}
