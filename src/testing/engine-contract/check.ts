import type { Engine, Entry, Range, Reader, Transaction } from '../../store/engine.ts'

/** An Engine to check, and how to end it. Each test opens an empty one. */
export interface OpenedEngine {
  readonly engine: Engine
  close(): Promise<void>
}

/** Title, and what must hold. */
export type EngineCheck = readonly [title: string, check: (engine: Engine) => Promise<void>]

export const text = (value: Buffer | undefined) => value?.toString()
export const bytes = (value: string) => Buffer.from(value)

export async function entriesOf(reader: Reader, range: Range): Promise<Entry[]> {
  const found: Entry[] = []
  for await (const batch of reader.scan(range)) found.push(...batch)
  return found
}

export async function keysOf(reader: Reader, range: Range): Promise<string[]> {
  return (await entriesOf(reader, range)).map(([name]) => name.toString())
}

export async function fill(engine: Engine, names: readonly string[]): Promise<void> {
  await engine.transact(['fill'], async (tx) => {
    for (const name of names) tx.put(bytes(name), bytes(`value of ${name}`))
  })
}

export const LETTERS = ['a', 'b', 'c', 'd', 'e']
export const TURN = () => new Promise<void>((resolve) => setImmediate(resolve))

export async function until(isSo: () => boolean): Promise<void> {
  const end = Date.now() + 5_000
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`not within five seconds: ${isSo}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** A transaction of each kind in turn. */
export function anyTransact<T>(
  engine: Engine,
  at: number,
  scopes: readonly string[],
  fn: (tx: Transaction) => Promise<T>,
): Promise<T> {
  if (at % 3 === 0) return engine.transactRelaxed(scopes, fn)
  return engine.transact(scopes, fn, { until: at % 3 === 1 ? 'durable' : 'visible' })
}

/** Waits for what transactions of these scopes did not wait for. */
export async function seenByAll(engine: Engine, scopes: readonly string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    engine.transact(scopes, async (tx) => tx.afterCommit(resolve)).catch(reject)
  })
}
