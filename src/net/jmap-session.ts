import { defineService } from '../kernel/service.ts'

/** Where clients find the messages of this server by JMAP. Provided by the plugin that speaks it. */
export interface JmapSession {
  /** URL of the session resource (RFC 8620 section 2), the same login opening it as opens IMAP. */
  readonly sessionUrl: string
}

export const jmapSession = defineService<JmapSession>('core:jmap-session')
