import type { Command } from './command.ts'
import { deleteAcl, getAcl, listRights, myRights, setAcl } from './commands/acl.ts'
import { append } from './commands/append.ts'
import { authenticate } from './commands/authenticate.ts'
import { cancelUpdate } from './commands/cancel-update.ts'
import { capability } from './commands/capability.ts'
import { close, unselect } from './commands/close.ts'
import { compress } from './commands/compress.ts'
import { copy, move, uidCopy, uidMove } from './commands/copy.ts'
import { create, deleteCommand, rename } from './commands/create.ts'
import { enable } from './commands/enable.ts'
import { esearch } from './commands/esearch.ts'
import { expunge, uidExpunge } from './commands/expunge.ts'
import { fetch, uidFetch } from './commands/fetch.ts'
import { id } from './commands/id.ts'
import { idle } from './commands/idle.ts'
import { getJmapAccess } from './commands/jmap-access.ts'
import { language } from './commands/language.ts'
import { list } from './commands/list.ts'
import { login } from './commands/login.ts'
import { logout } from './commands/logout.ts'
import { lsub } from './commands/lsub.ts'
import { getMetadata, setMetadata } from './commands/metadata.ts'
import { namespace } from './commands/namespace.ts'
import { check, noop } from './commands/noop.ts'
import { notify } from './commands/notify.ts'
import { getQuota, getQuotaRoot, setQuota } from './commands/quota.ts'
import { replace, uidReplace } from './commands/replace.ts'
import { search, uidSearch } from './commands/search.ts'
import { examine, select } from './commands/select.ts'
import { sort, uidSort } from './commands/sort.ts'
import { starttls } from './commands/starttls.ts'
import { status } from './commands/status.ts'
import { store, uidStore } from './commands/store.ts'
import { subscribe, unsubscribe } from './commands/subscribe.ts'
import { thread, uidThread } from './commands/thread.ts'
import { uidBatches } from './commands/uid-batches.ts'
import { unauthenticate } from './commands/unauthenticate.ts'
import { xlist } from './commands/xlist.ts'

/** Every command there is, by its name in capitals. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  [
    ...[capability, noop, logout, id, starttls, login, authenticate, unauthenticate, enable, compress, language],
    ...[select, examine, create, deleteCommand, rename, subscribe, unsubscribe, list, lsub, status, namespace],
    ...[setAcl, deleteAcl, getAcl, listRights, myRights, getQuota, getQuotaRoot, setQuota],
    ...[getMetadata, setMetadata, notify, getJmapAccess, uidBatches, xlist],
    ...[append, idle, check, close, unselect, expunge, uidExpunge],
    ...[search, uidSearch, esearch, cancelUpdate, sort, uidSort, thread, uidThread],
    ...[fetch, uidFetch, store, uidStore, copy, uidCopy, move, uidMove, replace, uidReplace],
  ].map((row) => [row.name, row]),
)
