import type { Engine, Snapshot } from './engine.ts'

/** Works with the store as it is now, and gives the view back at the end. */
export async function withSnapshot<T>(engine: Engine, use: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  const snapshot = await engine.snapshot()
  try {
    return await use(snapshot)
  } finally {
    await snapshot[Symbol.asyncDispose]()
  }
}
