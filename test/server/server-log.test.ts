import { mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createServerLog, type ServerLog } from '../../src/server/server-log.ts'
import { run, scratch } from '../support/peer.ts'

function linesOf(path: string, log: ServerLog) {
  log.flush()
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

test('lines below the level are left out, and the level can be changed', async () => {
  using dir = scratch('log')
  const path = join(dir.path, 'logs', 'server.log')
  const log = await createServerLog({ kind: 'file', path }, 'info')
  log.debug({}, 'one')
  log.setLevel('debug')
  log.child({ plugin: 'imap' }).debug({ session: 's1' }, 'two')
  expect(linesOf(path, log)).toEqual([
    { level: 'debug', time: expect.any(String), plugin: 'imap', session: 's1', msg: 'two' },
  ])
})

test('a log file that was moved away is opened anew', async () => {
  using dir = scratch('log')
  const path = join(dir.path, 'server.log')
  const log = await createServerLog({ kind: 'file', path }, 'info')
  log.info({}, 'before')
  renameSync(path, `${path}.1`)
  log.reopen()
  log.info({}, 'after')
  expect(linesOf(`${path}.1`, log).map(({ msg }) => msg)).toEqual(['before'])
  expect(linesOf(path, log).map(({ msg }) => msg)).toEqual(['after'])
})

test('a credential is redacted wherever it stands', async () => {
  using dir = scratch('log')
  const path = join(dir.path, 'server.log')
  const log = await createServerLog({ kind: 'file', path }, 'info')
  const secret = 'hunter2'
  const fields = { password: secret, a: { token: secret, b: { pass: secret } }, authorization: secret }
  log.info(fields, 'login')
  log.info({ err: Object.assign(new Error('refused'), { password: secret, request: { token: secret } }) }, 'a fault')
  log.child({ credentials: { user: secret }, peer: { secret } }).info({}, 'of a session')
  log.flush()
  expect(readFileSync(path, 'utf8')).toContain('of a session')
  expect(readFileSync(path, 'utf8')).not.toContain(secret)
  expect(fields.a.b.pass).toBe(secret)
})

test('lines wait a moment for others; warnings, errors and the end of the process do not', async () => {
  using dir = scratch('log')
  const path = join(dir.path, 'server.log')
  const log = await createServerLog({ kind: 'file', path }, 'info')
  const messages = () =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).msg)
  log.info({}, 'one')
  log.child({ plugin: 'imap' }).info({}, 'two')
  expect(messages()).toEqual([])
  await expect.poll(messages).toEqual(['one', 'two'])
  log.info({}, 'three')
  log.child({ plugin: 'imap' }).warn({}, 'four')
  expect(messages()).toEqual(['one', 'two', 'three', 'four'])

  const source = new URL('../../src/server/server-log.ts', import.meta.url).href
  const script = `
    import { createServerLog } from '${source}'
    const log = await createServerLog({ kind: 'stdout', pretty: false }, 'info')
    log.info({}, 'last words')
    process.exit()`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script])
  expect(stdout).toContain('last words')
})

test('a log that cannot be written does not throw', async () => {
  const log = await createServerLog({ kind: 'file', path: '/dev/full' }, 'info')
  for (let line = 0; line < 100; line++) log.info({ line }, 'the disk is full')
})

test('a reader of the log that goes away does not stop the server', async () => {
  const source = new URL('../../src/server/server-log.ts', import.meta.url).href
  const script = `
    import { createServerLog } from '${source}'
    const log = await createServerLog({ kind: 'stdout', pretty: false }, 'info')
    for (let line = 0; line < 20_000; line++) log.info({ line }, 'a line for nobody to read')
    process.stderr.write('still here')`
  const command = `'${process.execPath}' --input-type=module -e "$SCRIPT" | head -n 1`
  const ran = await run('sh', ['-c', command], { env: { SCRIPT: script } })
  expect(ran.stderr).toBe('still here')
})

test('a log file that is a directory is an error at the start, not a silent log', async () => {
  using dir = scratch('log')
  mkdirSync(join(dir.path, 'server.log'))
  await expect(createServerLog({ kind: 'file', path: join(dir.path, 'server.log') }, 'info')).rejects.toThrow(/EISDIR/)
})
