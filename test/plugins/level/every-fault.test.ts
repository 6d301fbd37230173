import { codeOf, key } from 'mailserver'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { disk, fault, repair } from './faulty-disk.ts'
import { dataDirectory, type OpenedStore, openStore } from './open-store.ts'
import { checkMessages, fileMessage } from './traffic.ts'

vi.mock('node:fs', async (original) => (await import('./faulty-disk.ts')).faulty(await original()))

afterEach(repair)

const OPTIONS = { segmentSize: 250_000 }

/** A small life of a store: small and large messages, flags, several segments. Returns how many were acknowledged. */
async function live(store: OpenedStore, told: string[]): Promise<Map<number, number>> {
  const filed = new Map<number, number>()
  const attempt = async (work: () => Promise<unknown>) => {
    await work().catch((error) => told.push(codeOf(error)))
  }
  for (let round = 0; round < 5; round++) {
    const sizes = round === 2 ? [200_000, 400] : [600, 90_000]
    await Promise.all(
      sizes.map((size, writer) =>
        attempt(async () => void filed.set(writer, await fileMessage(store, writer, size + round))),
      ),
    )
    await attempt(() =>
      store.engine.transactRelaxed(['writer:0'], async (tx) => {
        const count = await tx.get(key('count', 0))
        if (count !== undefined) tx.put(key('flags', 0), count)
      }),
    )
  }
  return filed
}

/** What can go wrong, in the words of the system, and where. */
const FAULTS = [
  ['write', 'ENOSPC'],
  ['write', 'EIO'],
  ['open', 'EMFILE'],
  ['open', 'ENOSPC'],
  ['sync', 'EIO'],
] as const

/** Runs the life with the `nth` call failing, alone or with all that follow. Returns how many calls there were. */
async function failAt(where: 'write' | 'open' | 'sync', code: string, nth: number, forGood: boolean): Promise<number> {
  using directory = dataDirectory()
  let calls = 0
  const told: string[] = []
  let filed = new Map<number, number>()
  {
    await using store = await openStore(directory.path, { options: OPTIONS })
    disk[where] = () => {
      calls += 1
      return calls === nth || (forGood && calls > nth) ? fault(code) : undefined
    }
    filed = await live(store, told)
    // What was acknowledged is served, whatever has happened since.
    disk.read = undefined
    const count = (await store.engine.get(key('count', 0)))?.readUInt32BE() ?? 0
    expect(count).toBeGreaterThan(filed.get(0) ?? -1)
    await store.close().catch(() => {})
  }
  repair()
  const what = `${code} at ${where} ${nth}`
  for (const answer of told) expect(['STORE_FULL', 'UNAVAILABLE'], what).toContain(answer)
  await using store = await openStore(directory.path, { options: OPTIONS })
  const counts = await checkMessages(store)
  for (const [writer, number] of filed) expect(counts[writer], what).toBeGreaterThan(number)
  expect(await fileMessage(store, 0, 100), what).toBe(counts[0] ?? 0)
  return calls
}

describe('a disk that fails once', () => {
  for (const [where, code] of FAULTS) {
    it(`with ${code} at any one ${where}, loses nothing that was acknowledged`, async () => {
      const count = await failAt(where, code, Number.POSITIVE_INFINITY, false)
      expect(count).toBeGreaterThan(2)
      for (let nth = 1; nth <= count; nth++) await failAt(where, code, nth, false)
    }, 120_000)
  }
})

describe('a disk that fails for good', () => {
  for (const [where, code] of FAULTS) {
    it(`with ${code} from any ${where} on, loses nothing that was acknowledged`, async () => {
      for (const nth of [1, 2, 5, 9]) await failAt(where, code, nth, true)
    }, 120_000)
  }
})
