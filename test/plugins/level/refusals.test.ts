import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, UserError } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { PluginStartError } from '../../../src/kernel/host.ts'
import { run } from '../../support/peer.ts'
import { dataDirectory, openStore } from './open-store.ts'
import { indexOf, storeOf } from './store-files.ts'
import { fileMessage } from './traffic.ts'
import { supervise } from './worker-orders.ts'

const CHILD = join(import.meta.dirname, 'open-child.ts')
const NODE = ['--conditions=source', '--no-warnings']

/** What a person would be told who opens the store in a process of its own. */
async function openElsewhere(dataDir: string): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [...NODE, CHILD, dataDir])
  return stdout + stderr
}

/** The UserError behind a failed start. */
async function refusal(opening: Promise<unknown>): Promise<UserError> {
  const error = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  const cause = error instanceof PluginStartError ? error.cause : error
  expect(cause).toBeInstanceOf(UserError)
  return cause as UserError
}

describe('a store that another has open', () => {
  it('is refused to a second process, and taken by it once the first has closed', async () => {
    using directory = dataDirectory()
    {
      await using store = await openStore(directory.path)
      await fileMessage(store, 0, 100)
      expect(await openElsewhere(directory.path)).toContain(`UserError: The store ${storeOf(directory.path)} is in use`)
      await fileMessage(store, 0, 100)
    }
    expect(await openElsewhere(directory.path)).toBe('opened\n')
  })

  it('is shared within the process: a reload may bring other options', async () => {
    using directory = dataDirectory()
    const first = await supervise(directory.path, { durability: 'group' })
    const second = await supervise(directory.path, { durability: 'os' })
    await first.stop?.()
    expect(await openElsewhere(directory.path)).toContain('is in use')
    await using store = await openStore(directory.path, { shared: second.shared })
    expect(await fileMessage(store, 0, 100)).toBe(0)
    await store.close()
    await second.stop?.()
    expect(await openElsewhere(directory.path)).toBe('opened\n')
  })
})

describe('a layout', () => {
  it('that is newer is refused, and left as it is', async () => {
    using directory = dataDirectory()
    await (await openStore(directory.path)).close()
    const path = join(storeOf(directory.path), 'VERSION')
    writeFileSync(path, '2 something else\n')
    const error = await refusal(openStore(directory.path))
    expect(error.message).toContain('has layout 2; this version of mailserver knows layouts up to 1')
    expect(error.nextSteps).not.toEqual([])
    expect(readFileSync(path, 'latin1')).toBe('2 something else\n')
  })

  it('whose version cannot be read is refused', async () => {
    using directory = dataDirectory()
    await (await openStore(directory.path)).close()
    for (const text of ['rubbish', '1\n', '-1 00']) {
      writeFileSync(join(storeOf(directory.path), 'VERSION'), text)
      expect((await refusal(openStore(directory.path))).message).toContain('VERSION')
    }
  })

  it('whose first start was cut short begins anew', async () => {
    using directory = dataDirectory()
    await (await openStore(directory.path)).close()
    writeFileSync(join(storeOf(directory.path), 'VERSION'), '')
    await using store = await openStore(directory.path)
    expect(await fileMessage(store, 0, 100)).toBe(0)
  })
})

describe('an index that LevelDB cannot read', () => {
  it('is refused in plain words, and lets go of the store', async () => {
    using directory = dataDirectory()
    await (await openStore(directory.path)).close()
    const current = join(indexOf(directory.path), 'CURRENT')
    const good = readFileSync(current)
    writeFileSync(current, 'rubbish')
    const error = await refusal(openStore(directory.path))
    expect(error.message).toMatch(/^The index .* cannot be opened: /)
    expect(error.nextSteps).not.toEqual([])
    writeFileSync(current, good)
    await using store = await openStore(directory.path)
    expect(await fileMessage(store, 0, 100)).toBe(0)
  })
})

describe('a directory without permission', () => {
  const isRoot = process.getuid?.() === 0

  it.skipIf(!isRoot)('is refused in plain words (needs root, to be somebody else)', async () => {
    using directory = dataDirectory()
    await (await openStore(directory.path)).close()
    chmodSync(directory.path, 0o755)
    const nobody = 65534
    const { stdout } = await run('setpriv', [
      `--reuid=${nobody}`,
      `--regid=${nobody}`,
      '--clear-groups',
      process.execPath,
      ...NODE,
      CHILD,
      directory.path,
    ])
    expect(stdout).toContain(`UserError: The store ${storeOf(directory.path)} cannot be used: EACCES`)
    chownSync(storeOf(directory.path), nobody, nobody)
  })

  it('that cannot be made is refused in plain words', async () => {
    using directory = dataDirectory()
    writeFileSync(join(directory.path, 'store'), 'a file')
    const error = await refusal(openStore(directory.path))
    expect(error.message).toMatch(/^The store .* cannot be used: /)
  })
})

describe('an engine that is not open', () => {
  it('says so, before start and after stop', async () => {
    using directory = dataDirectory()
    const store = await openStore(directory.path)
    await store.close()
    for (const use of [
      () => store.engine.get(Buffer.from('a')),
      () => store.engine.transact(['s'], async () => {}),
      () => store.blobStore.write(Buffer.alloc(1)),
    ]) {
      expect(codeOf(await use().catch((error: unknown) => error))).toBe('UNAVAILABLE')
    }
  })
})
