import type { ListenerView } from '../control/server-status.ts'

/** How a listener comes to TLS, for the TLS column of a table. */
export function tlsText({ tls }: ListenerView): string {
  return tls ? 'from the first byte' : 'STARTTLS'
}
