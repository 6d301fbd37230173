import type { Scenario } from './scenario.ts'
import { ceiling } from './scenarios/ceiling.ts'
import { commits } from './scenarios/commits.ts'
import { delivery, deliveryOthers } from './scenarios/delivery.ts'
import { growth } from './scenarios/growth.ts'
import { idle } from './scenarios/idle.ts'
import { imapAppend } from './scenarios/imap-append.ts'
import { imapRead, imapReadLarge } from './scenarios/imap-read.ts'
import { imapSearch, imapSearchIndexed, imapSearchIndexedLarge, imapSearchLarge } from './scenarios/imap-search.ts'
import { imapStore, imapStoreLarge } from './scenarios/imap-store.ts'
import { load } from './scenarios/load.ts'
import { loadIndexing } from './scenarios/load-indexing.ts'
import { logins } from './scenarios/logins.ts'
import { pop3 } from './scenarios/pop3.ts'
import { relaying } from './scenarios/relay.ts'
import { startUp, startUpLarge } from './scenarios/start-up.ts'
import { submission } from './scenarios/submission.ts'
import { workers } from './scenarios/workers.ts'

/** Every scenario, in the order they run. @param scale of the scenario "growth" */
export const scenariosFor = (scale: readonly number[]): readonly Scenario[] => [
  ceiling,
  commits,
  delivery,
  workers,
  load,
  loadIndexing,
  relaying,
  submission,
  imapAppend,
  imapRead,
  imapSearch,
  imapSearchIndexed,
  imapStore,
  imapReadLarge,
  imapSearchLarge,
  imapSearchIndexedLarge,
  imapStoreLarge,
  logins,
  idle,
  pop3,
  startUp,
  startUpLarge,
  growth(scale),
  deliveryOthers,
]
