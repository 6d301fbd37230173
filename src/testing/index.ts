/**
 * What a plugin's own tests need: drivers in memory and the contracts that every driver must pass.
 * @module mailserver/testing
 */

export { blobStoreContract, type OpenedBlobStore } from './blob-store-contract.ts'
export type { ContractTest } from './contract.ts'
export { engineContract, type OpenedEngine } from './engine-contract.ts'
export { type FakeClock, fakeClock } from './fake-clock.ts'
export { mailStoreContract, type OpenedDrivers } from './mail-store-contract.ts'
export { memoryBlobStore } from './memory-blob-store.ts'
export { memoryEngine } from './memory-engine.ts'
export { memorySearchIndex } from './memory-search-index.ts'
export { memoryStorage } from './memory-storage.ts'
export { type OpenedSearchIndex, searchIndexContract } from './search-index-contract.ts'
export { type OpenedMaintenance, storeMaintenanceContract } from './store-maintenance-contract.ts'
