import type { Scenario } from './scenario.ts'
import { delivery } from './scenarios/delivery.ts'
import { imapAppend } from './scenarios/imap-append.ts'
import { imapRead, imapReadLarge } from './scenarios/imap-read.ts'
import { imapSearch, imapSearchLarge } from './scenarios/imap-search.ts'
import { imapStore, imapStoreLarge } from './scenarios/imap-store.ts'
import { logins } from './scenarios/logins.ts'
import { pop3 } from './scenarios/pop3.ts'
import { startUp, startUpLarge } from './scenarios/start-up.ts'

/** Every scenario, in the order they run. */
export const scenarios: readonly Scenario[] = [
  delivery,
  imapAppend,
  imapRead,
  imapSearch,
  imapStore,
  imapReadLarge,
  imapSearchLarge,
  imapStoreLarge,
  logins,
  pop3,
  startUp,
  startUpLarge,
]
