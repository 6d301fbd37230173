import { type AccountId, type Acl, ALL_RIGHTS, type FlagClasses, type Rights } from '../mail-store.ts'

/** The rights of both, in their order. */
export function unionOf(one: Rights, other: Rights): Rights {
  return [...ALL_RIGHTS].filter((right) => one.includes(right) || other.includes(right)).join('')
}

/** The rights of the one that the other has not. */
export function withoutRights(one: Rights, other: Rights): Rights {
  return [...ALL_RIGHTS].filter((right) => one.includes(right) && !other.includes(right)).join('')
}

/**
 * What an account may do by an access control list: the union of what it and everybody is given, less what is taken from
 * either (RFC 4314 section 2).
 */
export function rightsOf(acl: Acl | undefined, account: AccountId): Rights {
  let given: Rights = ''
  let taken: Rights = ''
  for (const { subject, isNegative, rights } of acl ?? []) {
    if (subject !== account && subject !== 'anyone') continue
    if (isNegative) taken = unionOf(taken, rights)
    else given = unionOf(given, rights)
  }
  return withoutRights(given, taken)
}

/** Which flags somebody with these rights may change (RFC 4314 section 4). */
export function flagClassesOf(rights: Rights): FlagClasses {
  return { seen: rights.includes('s'), deleted: rights.includes('t'), others: rights.includes('w') }
}
