import type { Engine, Entry, Key, Lease, Range, Snapshot, Transaction } from '../store/engine.ts'

const BATCH = 256

/** An Engine in memory: the reference that the contract suite and other drivers' tests compare with. Nothing is durable. */
export function memoryEngine(): Engine {
  let values: Values = new Map()
  let sorted: readonly string[] | undefined = []
  /** A snapshot reads them: the next commit leaves them as they are and goes on with a copy. */
  let isShared = false
  const watchers = new Map<string, Set<(message: string) => void>>()
  const leases = new Map<string, AbortController>()
  const tails = new Map<string, Promise<void>>()

  const keysInOrder = () => {
    sorted ??= [...values.keys()].sort(byCodeUnit)
    return sorted
  }
  const scanNow = async function* (range: Range, overlay?: ReadonlyMap<string, Buffer | undefined>) {
    yield* scanOf(values, keysInOrder(), range, overlay)
  }

  async function transact<T>(scopes: readonly string[], fn: (tx: Transaction) => Promise<T>): Promise<T> {
    const release = await acquire(tails, [...new Set(scopes)].sort())
    try {
      const overlay = new Map<string, Buffer | undefined>()
      const committed: (() => void)[] = []
      const get = async (key: Key) => (overlay.has(text(key)) ? overlay.get(text(key)) : values.get(text(key)))
      let hasEnded = false
      const write = (key: Key, value: Buffer | undefined) => {
        if (hasEnded) throw new Error('the transaction has ended: it takes no more writes')
        overlay.set(text(key), value)
      }
      const result = await fn({
        get,
        getMany: (keys) => Promise.all(keys.map(get)),
        scan: (range) => scanNow(range, overlay),
        put: (key, value) => write(key, Buffer.from(value)),
        delete: (key) => write(key, undefined),
        afterCommit: (done) => void committed.push(done),
      }).finally(() => {
        hasEnded = true
      })
      if (isShared && overlay.size > 0) {
        values = new Map(values)
        isShared = false
      }
      for (const [name, value] of overlay) {
        if (value === undefined) values.delete(name)
        else values.set(name, value)
      }
      if (overlay.size > 0) sorted = undefined
      for (const done of committed) isolated(done)
      return result
    } finally {
      release()
    }
  }

  return {
    get: async (key) => values.get(text(key)),
    getMany: async (keys) => keys.map((key) => values.get(text(key))),
    scan: (range) => scanNow(range),
    async snapshot() {
      isShared = true
      return snapshotOf(values, keysInOrder())
    },
    transact,
    transactRelaxed: transact,
    watch(topic, listener) {
      const set = watchers.get(topic) ?? new Set()
      // A registration of its own, so that the same function may watch twice.
      const registered = (message: string) => listener(message)
      watchers.set(topic, set.add(registered))
      return () => void set.delete(registered)
    },
    publish(topic, message) {
      for (const listener of watchers.get(topic) ?? []) {
        queueMicrotask(() => isolated(() => listener(message)))
      }
    },
    async lease(name): Promise<Lease | undefined> {
      if (leases.has(name)) return undefined
      const lost = new AbortController()
      leases.set(name, lost)
      const release = async () => {
        if (leases.get(name) === lost) leases.delete(name)
      }
      return { lost: lost.signal, release }
    },
  }
}

type Values = Map<string, Buffer>

const text = (key: Key) => key.toString('latin1')

async function* scanOf(
  values: ReadonlyMap<string, Buffer>,
  keysInOrder: readonly string[],
  range: Range,
  overlay?: ReadonlyMap<string, Buffer | undefined>,
): AsyncGenerator<readonly Entry[]> {
  let names = keysInOrder
  if (overlay !== undefined && overlay.size > 0) {
    names = [...new Set([...names, ...overlay.keys()])]
      .filter((name) => overlay.get(name) !== undefined || !overlay.has(name))
      .sort(byCodeUnit)
  }
  const inside = names.filter((name) => contains(range, name))
  if (range.reverse) inside.reverse()
  const wanted = inside.slice(0, range.limit ?? inside.length)
  for (let at = 0; at < wanted.length; at += BATCH) {
    const batch: Entry[] = []
    for (const name of wanted.slice(at, at + BATCH)) {
      const value = overlay?.get(name) ?? values.get(name)
      if (value !== undefined) batch.push([Buffer.from(name, 'latin1'), value])
    }
    yield batch
  }
}

function snapshotOf(values: ReadonlyMap<string, Buffer>, keysInOrder: readonly string[]): Snapshot {
  let isOpen = true
  const open = () => {
    if (!isOpen) throw new Error('the snapshot was given back')
    return values
  }
  return {
    get: async (key) => open().get(text(key)),
    getMany: async (keys) => keys.map((key) => open().get(text(key))),
    async *scan(range) {
      yield* scanOf(open(), keysInOrder, range)
    },
    async [Symbol.asyncDispose]() {
      isOpen = false
    },
  }
}

/** What follows a commit, and a watcher, must not undo or hide it from others when it fails. */
function isolated(fn: () => void): void {
  try {
    fn()
  } catch {
    // The level driver logs it; here there is no log.
  }
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function contains(range: Range, name: string): boolean {
  const bound = (key: Key) => key.toString('latin1')
  if (range.gte !== undefined && name < bound(range.gte)) return false
  if (range.gt !== undefined && name <= bound(range.gt)) return false
  if (range.lt !== undefined && name >= bound(range.lt)) return false
  return range.lte === undefined || name <= bound(range.lte)
}

/** Waits for every scope in turn; the returned function lets the next one in. */
async function acquire(tails: Map<string, Promise<void>>, scopes: readonly string[]): Promise<() => void> {
  const done = Promise.withResolvers<void>()
  const before = scopes.map((scope) => tails.get(scope))
  for (const scope of scopes) tails.set(scope, done.promise)
  await Promise.all(before)
  return () => {
    for (const scope of scopes) if (tails.get(scope) === done.promise) tails.delete(scope)
    done.resolve()
  }
}
