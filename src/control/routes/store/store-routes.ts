import { backupRoute, checkBackupRoute, restoreRoute } from './backup.ts'
import { compactRoute, statsRoute } from './stats.ts'
import { exportRoute, importRoute } from './transfer.ts'
import { verifyRoute } from './verify.ts'

/** What an operator does with the store as a whole. */
export const storeRoutes = [
  verifyRoute,
  statsRoute,
  compactRoute,
  backupRoute,
  checkBackupRoute,
  restoreRoute,
  exportRoute,
  importRoute,
] as const
