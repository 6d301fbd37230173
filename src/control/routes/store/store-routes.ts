import { compactRoute, statsRoute } from './stats.ts'
import { verifyRoute } from './verify.ts'

/** What an operator does with the store as a whole. */
export const storeRoutes = [verifyRoute, statsRoute, compactRoute] as const
