import { join } from 'node:path'

/** Where a server in the background logs. */
export const logFileOf = (dataDir: string): string => join(dataDir, 'logs', 'mailserver.log')
