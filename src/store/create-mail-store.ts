import { AccountFeeds } from './changes/account-feed.ts'
import { changesSince } from './changes/changes-since.ts'
import type { MailStore } from './mail-store.ts'
import { createAccount, quotaOf, removeAccount, setQuota } from './mailboxes/accounts.ts'
import { createMailbox } from './mailboxes/create-mailbox.ts'
import { deleteMailbox } from './mailboxes/delete-mailbox.ts'
import { allSubscriptions, findMailbox, listMailboxes } from './mailboxes/names.ts'
import { renameMailbox } from './mailboxes/rename-mailbox.ts'
import { setSubscribed } from './mailboxes/subscribe.ts'
import { append, appendIn } from './messages/append.ts'
import { copy } from './messages/copy.ts'
import { expunge } from './messages/expunge.ts'
import { firstRecentUid } from './messages/first-recent.ts'
import { move } from './messages/move.ts'
import { blobs, columns, indexes, read, records, states, statusOf, stream } from './messages/read-messages.ts'
import { replace } from './messages/replace.ts'
import { setFlags } from './messages/set-flags.ts'
import { readMetadata, setMetadata } from './metadata/metadata.ts'
import { changeAcl } from './sharing/change-acl.ts'
import { sharers, watchGrants } from './sharing/grants.ts'
import type { StoreContext } from './store-context.ts'

/** MailStore above any Engine and BlobStore: a table of contents, each entry in a file of its own. */
export function createMailStore(c: StoreContext): MailStore & { close(): void } {
  const feeds = new AccountFeeds(c)
  return {
    createAccount: (account) => createAccount(c, account),
    removeAccount: (account) => removeAccount(c, account),
    quota: (account) => quotaOf(c, account),
    setQuota: (account, limits) => setQuota(c, account, limits),
    mailboxes: (account) => listMailboxes(c, account),
    mailbox: (account, name) => findMailbox(c, account, name),
    createMailbox: (account, name, options) => createMailbox(c, account, name, options),
    deleteMailbox: (account, name) => deleteMailbox(c, account, name),
    renameMailbox: (account, from, to) => renameMailbox(c, account, from, to),
    setSubscribed: (account, name, subscribed) => setSubscribed(c, account, name, subscribed),
    subscriptions: (account) => allSubscriptions(c.engine, account),
    status: (account, mailbox) => statusOf(c, account, mailbox),
    changeAcl: (account, mailbox, change) => changeAcl(c, account, mailbox, change),
    metadata: (account, mailbox, owner) => readMetadata(c.engine, account, mailbox, owner),
    setMetadata: (account, mailbox, changes) => setMetadata(c, account, mailbox, changes),
    sharers: (account) => sharers(c.engine, account),
    watchGrants: (account, listener) => watchGrants(c.engine, account, listener),
    columns: (account, mailbox) => columns(c, account, mailbox),
    states: (account, mailbox) => states(c, account, mailbox),
    records: (account, mailbox, uids) => records(c, account, mailbox, uids),
    indexes: (account, mailbox, uids) => indexes(c, account, mailbox, uids),
    blobs: (account, mailbox, uids) => blobs(c, account, mailbox, uids),
    read: (account, mailbox, uid, range) => read(c, account, mailbox, uid, range),
    stream: (account, mailbox, uid, range) => stream(c, account, mailbox, uid, range),
    append: (account, mailbox, messages) => append(c, account, mailbox, messages),
    appendIn: (tx, account, mailbox, messages) => appendIn(c, tx, account, mailbox, messages),
    setFlags: (account, mailbox, uids, change, options) => setFlags(c, account, mailbox, uids, change, options),
    expunge: (account, mailbox, uids) => expunge(c, account, mailbox, uids),
    copy: (account, from, uids, to, options) => copy(c, account, from, uids, to, options),
    move: (account, from, uids, to, options) => move(c, account, from, uids, to, options),
    replace: (account, mailbox, uid, target, message) => replace(c, account, mailbox, uid, target, message),
    firstRecentUid: (account, mailbox, options) => firstRecentUid(c, account, mailbox, options),
    changesSince: (account, mailbox, since) => changesSince(c, account, mailbox, since),
    watch: (account, listener) => feeds.watch(account, listener),
    close: () => feeds.close(),
  }
}
