import { MailError } from '../../errors/mail-error.ts'
import type { Engine, Reader } from '../../store/engine.ts'

/** An engine whose writes fail once `allow` of them have gone through: a disk that is full, a process that dies. */
export function failingAfter(): { wrap(engine: Engine): Engine; allow(commits: number): void } {
  let left = Infinity
  const spend = () => {
    if (left <= 0) throw new MailError('STORE_FULL', 'no commit is left')
    left -= 1
  }
  return {
    allow(commits) {
      left = commits
    },
    wrap: (engine) => ({
      ...delegate(engine),
      async transact(scopes, fn) {
        spend()
        return engine.transact(scopes, fn)
      },
      async transactRelaxed(scopes, fn) {
        spend()
        return engine.transactRelaxed(scopes, fn)
      },
    }),
  }
}

/** An engine whose messages wait until they are let go, in an order of the test's choice: several workers on a slow bus. */
export function slowBus(): { wrap(engine: Engine): Engine; release(order: (waiting: number) => number[]): void } {
  const waiting: (() => void)[] = []
  return {
    release(order) {
      const held = waiting.splice(0)
      for (const at of order(held.length)) held[at]?.()
    },
    wrap: (engine) => ({
      ...delegate(engine),
      publish: (topic, message) => {
        if (topic.startsWith('contract:')) engine.publish(topic, message)
        else waiting.push(() => engine.publish(topic, message))
      },
    }),
  }
}

/** Counts transactions. */
export function counting(): { wrap(engine: Engine): Engine; readonly commits: number } {
  let commits = 0
  return {
    get commits() {
      return commits
    },
    wrap: (engine) => ({
      ...delegate(engine),
      transact: (scopes, fn) => {
        commits += 1
        return engine.transact(scopes, fn)
      },
      transactRelaxed: (scopes, fn) => {
        commits += 1
        return engine.transactRelaxed(scopes, fn)
      },
    }),
  }
}

/** An engine that reads what a transaction sees. */
export function readingThrough(engine: Engine, tx: Reader): Engine {
  const reader: Reader = {
    get: (key) => tx.get(key),
    getMany: (keys) => tx.getMany(keys),
    scan: (range) => tx.scan(range),
  }
  return {
    ...delegate(engine),
    ...reader,
    snapshot: async () => ({ ...reader, [Symbol.asyncDispose]: async () => {} }),
  }
}

/** Every method bound, so that a driver that is a class can be wrapped too. */
export function delegate(engine: Engine): Engine {
  return {
    get: (key) => engine.get(key),
    getMany: (keys) => engine.getMany(keys),
    scan: (range) => engine.scan(range),
    snapshot: () => engine.snapshot(),
    transact: (scopes, fn) => engine.transact(scopes, fn),
    transactRelaxed: (scopes, fn) => engine.transactRelaxed(scopes, fn),
    watch: (topic, listener) => engine.watch(topic, listener),
    publish: (topic, message) => engine.publish(topic, message),
    lease: (name, ttlMs) => engine.lease(name, ttlMs),
  }
}
