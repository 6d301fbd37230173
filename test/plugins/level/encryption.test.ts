import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BlobRef, codeOf, secret, UserError } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { keyRing } from '../../../plugins/level/vault/key-ring.ts'
import { SEALED, Vault } from '../../../plugins/level/vault/vault.ts'
import { PluginStartError } from '../../../src/kernel/host.ts'
import { dataDirectory, type LevelOptions, type OpenedStore, openStore } from './open-store.ts'
import { indexOf, logOf, segmentsOf, storeOf } from './store-files.ts'
import { checkMessages, fileMessage } from './traffic.ts'

const OLD = '11'.repeat(32)
const NEW = Buffer.alloc(32, 7).toString('base64')
const sealedWith = (...keys: readonly string[]): LevelOptions => ({
  encryption: { keys: [...keys] },
  segmentSize: 200_000,
})

async function refused(opening: Promise<unknown>): Promise<UserError> {
  const error: unknown = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  const cause = error instanceof PluginStartError ? error.cause : error
  expect(cause).toBeInstanceOf(UserError)
  return cause as UserError
}

/** Every octet of the store, and whether a text is in it. */
function holds(dataDir: string, text: string): boolean {
  return readdirSync(storeOf(dataDir), { recursive: true })
    .map((name) => join(storeOf(dataDir), String(name)))
    .filter((path) => statSync(path).isFile())
    .some((path) => readFileSync(path).includes(text))
}

const SECRETS = ['Subject: the merger', 'flags of the merger', 'part of the merger']

/** A small message, a large one, and values, durable and relaxed. */
async function writeSecrets(store: OpenedStore): Promise<BlobRef[]> {
  const refs = [
    await store.blobStore.write(Buffer.alloc(900, SECRETS[0])),
    await store.blobStore.write(Buffer.alloc(400_000, SECRETS[2])),
  ]
  await store.engine.transact(['a'], async (tx) =>
    tx.put(Buffer.from('key of a value'), Buffer.from(SECRETS[1] as string)),
  )
  await store.engine.transactRelaxed(['b'], async (tx) =>
    tx.put(Buffer.from('another'), Buffer.from(SECRETS[1] as string)),
  )
  return refs
}

describe('an encrypted store', () => {
  it('has nothing readable on the disk but keys, and gives all of it back', async () => {
    using directory = dataDirectory()
    let refs: BlobRef[]
    {
      await using store = await openStore(directory.path, { options: sealedWith(OLD) })
      refs = await writeSecrets(store)
      for (const text of SECRETS) expect(holds(directory.path, text), text).toBe(false)
    }
    for (const text of SECRETS) expect(holds(directory.path, text), text).toBe(false)
    expect(holds(directory.path, 'key of a value')).toBe(true)
    await using store = await openStore(directory.path, { options: sealedWith(OLD) })
    expect((await store.blobStore.read(refs[0] as BlobRef)).equals(Buffer.alloc(900, SECRETS[0]))).toBe(true)
    expect((await store.blobStore.read(refs[1] as BlobRef, { start: 200_000, end: 200_010 })).length).toBe(10)
    expect((await store.engine.get(Buffer.from('key of a value')))?.toString()).toBe(SECRETS[1])
  })

  it('would show the same texts without encryption', async () => {
    using directory = dataDirectory()
    {
      await using store = await openStore(directory.path)
      await writeSecrets(store)
    }
    for (const text of SECRETS) expect(holds(directory.path, text), text).toBe(true)
  })

  it('is refused without its key, with another, and with what is no key', async () => {
    using directory = dataDirectory()
    await (await openStore(directory.path, { options: sealedWith(OLD) })).close()
    const version = readFileSync(join(storeOf(directory.path), 'VERSION'), 'latin1')
    expect((await refused(openStore(directory.path))).message).toContain('is encrypted, and no key is given')
    const other = await refused(openStore(directory.path, { options: sealedWith(NEW) }))
    expect(other.message).toContain('with a key that is not among those given')
    expect(other.nextSteps?.join(' ')).toContain(/^key ([0-9a-f]{16})/m.exec(version)?.[1])
    for (const text of ['', 'password', OLD.slice(2), `${OLD}00`]) {
      if (text === '') continue
      const error = await refused(openStore(directory.path, { options: sealedWith(text) }))
      expect(error.message).toContain('is not 32 octets')
      expect(error.message).not.toContain(text)
    }
    await (await openStore(directory.path, { options: sealedWith(OLD) })).close()
  })

  it('is refused without its key when only the index says that it is encrypted', async () => {
    using directory = dataDirectory()
    await (await openStore(directory.path, { options: sealedWith(OLD) })).close()
    const path = join(storeOf(directory.path), 'VERSION')
    writeFileSync(path, readFileSync(path, 'latin1').replace(/^key .*\n/m, ''))
    expect((await refused(openStore(directory.path))).message).toContain('is encrypted, and no key is given')
  })

  it('takes its key from a secret', async () => {
    using directory = dataDirectory()
    writeFileSync(join(directory.path, 'key'), `${OLD}\n`)
    await (await openStore(directory.path, { options: { encryption: { key: secret.file('key') } } })).close()
    await (await openStore(directory.path, { options: sealedWith(OLD) })).close()
  })

  it('says that a message is damaged whose octets were changed, checksum and all', () => {
    const vault = new Vault(keyRing([OLD]))
    const sealed = vault.seal(SEALED.blob, Buffer.from('a message'))
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed)
      changed[at] = (changed[at] as number) ^ 1
      expect(() => vault.open(SEALED.blob, changed), `octet ${at}`).toThrow(/damaged/)
    }
    expect(() => vault.open(SEALED.commit, sealed)).toThrow(/damaged/)
    expect(() => vault.open(SEALED.blob, sealed.subarray(0, 20))).toThrow(/damaged/)
    expect(vault.open(SEALED.blob, sealed).toString()).toBe('a message')
  })

  it('never uses a nonce twice, in one thread or in two', () => {
    const nonces = new Set<string>()
    for (const vault of [new Vault(keyRing([OLD])), new Vault(keyRing([OLD]))]) {
      for (let at = 0; at < 1_000; at++)
        nonces.add(vault.seal(SEALED.value, Buffer.from('x')).toString('latin1', 0, 18))
    }
    expect(nonces.size).toBe(2_000)
  })

  it('loses nothing in a crash', async () => {
    using directory = dataDirectory()
    using copy = dataDirectory()
    const { cpSync } = await import('node:fs')
    {
      await using store = await openStore(directory.path, { options: sealedWith(OLD) })
      for (let at = 0; at < 30; at++) await fileMessage(store, at % 2, 3_000)
      cpSync(storeOf(directory.path), storeOf(copy.path), { recursive: true })
    }
    rmSync(indexOf(copy.path), { recursive: true })
    await using store = await openStore(copy.path, { options: sealedWith(OLD) })
    expect(await checkMessages(store)).toEqual([15, 15])
  })
})

describe('the key of a store', () => {
  it('can be given to a store that has mail, and be replaced', async () => {
    using directory = dataDirectory()
    const steps: readonly LevelOptions[] = [
      { segmentSize: 200_000 },
      sealedWith(OLD),
      sealedWith(OLD),
      sealedWith(NEW, OLD),
      sealedWith(NEW, OLD),
    ]
    for (const [round, options] of steps.entries()) {
      await using store = await openStore(directory.path, { options })
      expect(await checkMessages(store)).toEqual(round === 0 ? [] : [round * 20])
      for (let at = 0; at < 20; at++) await fileMessage(store, 0, 4_000)
    }
    expect((await refused(openStore(directory.path, { options: sealedWith(NEW) }))).message).toContain(
      'not among those',
    )
  })

  it('is exchanged wholly or not at all, wherever that is interrupted', async () => {
    using directory = dataDirectory()
    const index = indexOf(directory.path)
    {
      await using store = await openStore(directory.path)
      await fileMessage(store, 0, 100)
    }
    const states: readonly (() => void)[] = [
      // Begun: the new index is half there.
      () => writeFileSync(join(index, '..', 'index.new'), ''),
      // The old one was put aside, the new one has not taken its place.
      () => {
        renameSync(index, `${index}.old`)
        renameSync(`${index}.old`, `${index}.new`)
        writeFileSync(`${index}.old`, '')
      },
      // The new one has its place, the old one is still there.
      () => writeFileSync(`${index}.old`, ''),
    ]
    for (const [round, interrupt] of states.entries()) {
      interrupt()
      await using store = await openStore(directory.path, { options: sealedWith(OLD) })
      expect(await checkMessages(store)).toEqual([round + 1])
      await fileMessage(store, 0, 100)
      expect(existsSync(`${index}.old`) || existsSync(`${index}.new`)).toBe(false)
    }
  })
})

describe('a lost VERSION', () => {
  for (const options of [{}, sealedWith(OLD)]) {
    it(`is made anew from the segments, ${'encryption' in options ? 'encrypted' : 'plain'}`, async () => {
      using directory = dataDirectory()
      {
        await using store = await openStore(directory.path, { options })
        for (let at = 0; at < 10; at++) await fileMessage(store, 0, 50_000)
      }
      rmSync(join(storeOf(directory.path), 'VERSION'))
      await using store = await openStore(directory.path, { options })
      expect(await checkMessages(store)).toEqual([10])
    })
  }
})

describe('a flipped bit in an encrypted store', () => {
  it('is found, and every other message is served', async () => {
    using directory = dataDirectory()
    let refs: BlobRef[] = []
    {
      await using store = await openStore(directory.path, { options: sealedWith(OLD) })
      for (let at = 0; at < 5; at++) refs.push(await store.blobStore.write(randomBytes(5_000)))
    }
    const [path] = segmentsOf(directory.path) as [string]
    expect(path).toContain(logOf(directory.path))
    const bytes = readFileSync(path)
    bytes[3 * 5_100] = (bytes[3 * 5_100] as number) ^ 1
    writeFileSync(path, bytes)
    await using store = await openStore(directory.path, { options: sealedWith(OLD) })
    const found: (BlobRef | undefined)[] = []
    const signal = new AbortController().signal
    for await (const { blob } of store.maintenance.check({ signal, repair: false })) found.push(blob)
    const codes = await Promise.all(
      refs.map((ref) =>
        store.blobStore.read(ref).then(
          () => 'read',
          (error: unknown) => codeOf(error),
        ),
      ),
    )
    expect(codes.filter((code) => code === 'CORRUPT')).toHaveLength(1)
    expect(codes.filter((code) => code === 'read')).toHaveLength(4)
    expect(found).toEqual([refs[codes.indexOf('CORRUPT')]])
    refs = []
  })
})
