import { formatAddress } from 'mailserver'
import { command, LOGGED_IN, only } from '../command.ts'
import { no, ok } from '../completion.ts'
import { NOT_PERMITTED } from '../completion-of-error.ts'
import { accountOfRoot, rootNameOf, STORAGE_UNIT, tellQuota } from '../quota-roots.ts'
import { utf8Of } from '../wire/arguments.ts'
import { parseMailbox } from '../wire/mailbox-name.ts'
import { formatUtf8 } from '../wire/strings.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

const NO_ROOT = no('There is no such quota root', 'NONEXISTENT')

/** RFC 9208 section 4.1.1. */
export const getQuota = command({
  name: 'GETQUOTA',
  states: LOGGED_IN,
  parse: (args) => only(args, () => utf8Of(args.astring())),
  async run(root, session) {
    const account = await accountOfRoot(session, root)
    if (account === undefined) return NO_ROOT
    await tellQuota(session, account)
    return ok('Getquota completed')
  },
})

/** RFC 9208 section 4.1.2. The mailbox need not exist: a name leads to its owner in any case. */
export const getQuotaRoot = command({
  name: 'GETQUOTAROOT',
  states: LOGGED_IN,
  parse: (args) => only(args, parseMailbox),
  async run(name, session) {
    const { mailboxes, services, out } = session
    const place = await mailboxes.placeOf(name)
    const isPersonal = place?.namespace.kind === 'personal'
    // RFC 9208 section 6: of a mailbox that is not one's own the right to read is needed.
    const owner = isPersonal ? mailboxes.user.id : (await mailboxes.reach(name, 'r')).account
    const account = isPersonal ? mailboxes.user : await services.directory.account(owner)
    if (account === undefined) return NO_ROOT
    out.untagged(`QUOTAROOT ${session.mailboxName(name)} ${formatUtf8(rootNameOf(account))}`)
    await tellQuota(session, account)
    return ok('Getquotaroot completed')
  },
})

/** RFC 9208 section 4.1.3, for administrators. A limit that is not named is taken away. */
export const setQuota = command({
  name: 'SETQUOTA',
  states: LOGGED_IN,
  parse(args) {
    args.space()
    const root = utf8Of(args.astring())
    args.space()
    const limits = new Map<string, number>()
    args.list(() => {
      const resource = args.word()
      args.space()
      if (limits.has(resource)) throw new SyntaxFault('Resource stands twice')
      limits.set(resource, args.number(true))
    })
    args.end()
    return { root, limits }
  },
  async run({ root, limits }, session) {
    const { mailboxes, services, offer, log } = session
    if (!mailboxes.isAdministrator) return NOT_PERMITTED
    for (const resource of limits.keys()) {
      if (!RESOURCES.has(resource) || !offer.has(`QUOTA=RES-${resource}`)) return no('No such resource here', 'CANNOT')
    }
    const account = await accountOfRoot(session, root)
    if (account === undefined) return NO_ROOT
    const quota = await services.store.quota(account.id)
    const storage = limits.get('STORAGE')
    const maxBytes = storage === undefined ? undefined : Math.min(storage * STORAGE_UNIT, Number.MAX_SAFE_INTEGER)
    const maxMessages = limits.get('MESSAGE')
    await services.directory.updateAccount(account.address, {
      // What the config says can be said again, and not changed.
      ...(maxBytes !== quota.maxBytes && { maxBytes: maxBytes ?? null }),
      ...(maxMessages !== quota.maxMessages && { maxMessages: maxMessages ?? null }),
    })
    log.info({ account: formatAddress(account.address), maxBytes, maxMessages }, 'quota set')
    await tellQuota(session, account)
    return ok('Setquota completed')
  },
})

const RESOURCES: ReadonlySet<string> = new Set(['STORAGE', 'MESSAGE'])
