import { fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { lockHolder, takeLock } from '../../src/control/data-lock.ts'
import { identityOf } from '../../src/control/process-identity.ts'
import { prepareSocketPath, socketPathOf } from '../../src/control/socket-path.ts'
import { run, scratch } from '../support/peer.ts'

const hold = (dir: string) => {
  const source = new URL('../../src/control/data-lock.ts', import.meta.url).href
  const script = `
    import { takeLock } from '${source}'
    const lock = takeLock('${dir}', 'server')
    process.stdout.write('release' in lock ? 'mine' : 'taken')
    if ('release' in lock) setTimeout(() => lock.release(), 100)`
  return run(process.execPath, ['--input-type=module', '-e', script])
}

describe('a data directory', () => {
  test('is locked once, and free again after', () => {
    using dir = scratch('lock')
    const first = takeLock(dir.path, 'server')
    expect(takeLock(dir.path, 'command')).toMatchObject({ pid: process.pid, role: 'server' })
    if ('release' in first) first.release()
    expect(lockHolder(dir.path)).toBeUndefined()
    expect('release' in takeLock(dir.path, 'command')).toBe(true)
  })

  test.each([
    ['a process that has ended', { pid: 2 ** 22 - 1, identity: 'x' }],
    ['another process with the same pid', { pid: process.pid, identity: 'another:1' }],
    ['no process at all', { pid: 'x' }],
  ])('locked by %s is free', (_, holder) => {
    using dir = scratch('lock')
    writeFileSync(join(dir.path, 'mailserver.lock'), JSON.stringify({ role: 'server', since: 0, ...holder }))
    expect(lockHolder(dir.path)).toBeUndefined()
    expect('release' in takeLock(dir.path, 'server')).toBe(true)
  })

  test('locked by a torn file, with a takeover that was cut off, is free', () => {
    using dir = scratch('lock')
    writeFileSync(join(dir.path, 'mailserver.lock'), '{"pid":')
    const takeover = join(dir.path, 'mailserver.lock.takeover')
    mkdirSync(takeover)
    utimesSync(takeover, 1, 1)
    expect('release' in takeLock(dir.path, 'server')).toBe(true)
  })

  test('of a dead holder goes to one of many that want it', async () => {
    using dir = scratch('lock')
    writeFileSync(
      join(dir.path, 'mailserver.lock'),
      JSON.stringify({ pid: process.pid, identity: 'x', role: 'server' }),
    )
    const results = await Promise.all(Array.from({ length: 6 }, () => hold(dir.path)))
    expect(results.map(({ stderr }) => stderr).join('')).toBe('')
    const holds = results.filter(({ stdout }) => stdout === 'mine')
    // Each holds it for a tenth of a second: more than one may have had it, one after the other, never none.
    expect(holds.length).toBeGreaterThan(0)
    expect(lockHolder(dir.path)).toBeUndefined()
  })

  test('is not freed by one who no longer holds it', () => {
    using dir = scratch('lock')
    const lock = takeLock(dir.path, 'server')
    writeFileSync(join(dir.path, 'mailserver.lock'), 'another')
    if ('release' in lock) lock.release()
    expect(readFileSync(join(dir.path, 'mailserver.lock'), 'utf8')).toBe('another')
  })
})

test('a process has one identity for as long as it lives, and none after', async () => {
  expect(identityOf(process.pid)).toBe(identityOf(process.pid))
  const child = fork('data:text/javascript,', { execArgv: [], stdio: 'ignore' })
  const pid = child.pid ?? 0
  await once(child, 'exit')
  expect(identityOf(pid)).toBeUndefined()
})

describe('the control socket', () => {
  test('is in the data directory when the path fits', () => {
    using dir = scratch('socket')
    expect(prepareSocketPath(dir.path)).toBe(join(dir.path, 'control.sock'))
    expect(socketPathOf(dir.path)).toBe(join(dir.path, 'control.sock'))
  })

  test('is never put into a directory that others could have made', () => {
    using dir = scratch('socket')
    const dataDir = join(dir.path, 'd'.repeat(100))
    mkdirSync(dataDir)
    const path = prepareSocketPath(dataDir, dir.path)
    expect(socketPathOf(dataDir)).toBe(path)
    mkdirSync(join(dir.path, 'other'))
    expect(() => {
      const elsewhere = join(dir.path, 'other')
      const planned = prepareSocketPath(dataDir, elsewhere)
      // Somebody opens it up between two starts.
      chmodSync(join(planned, '..'), 0o777)
      prepareSocketPath(dataDir, elsewhere)
    }).toThrow(/open to others/)
  })
})
