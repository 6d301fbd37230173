import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { describeConfig, describeValue } from '../../src/config/describe-config.ts'
import { findConfig } from '../../src/config/find-config.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { planChanges } from '../../src/config/plan-changes.ts'
import { isSecret } from '../../src/config/secret.ts'
import { run, scratch } from '../support/peer.ts'

const fixture = (name: string) => join(import.meta.dirname, 'fixtures', `${name}.config.ts`)

describe('loading', () => {
  test('calls a config that is a function with the environment, and normalises names', async () => {
    const config = await loadConfig(fixture('good'), { DATA_DIR: '/var/spool/mail' })
    expect(config).toMatchObject({
      file: fixture('good'),
      hostname: 'mail.example.test',
      dataDir: '/var/spool/mail',
      domains: [
        { name: 'xn--bcher-kva.example', subaddressDelimiter: '+' },
        { name: 'example.test', catchAll: { local: 'alice', domain: 'example.test' }, subaddressDelimiter: '' },
      ],
      limits: { messageBytes: 10_485_760, drainMs: 2_000 },
      queue: { delaysMs: [60_000, 5_000] },
    })
    expect(config.accounts[1]).toMatchObject({ quotaBytes: 2 * 1024 ** 3 })
    expect(isSecret(config.accounts[1]?.password)).toBe(true)
    expect(config.aliases).toHaveLength(1)
  })

  test.each([
    ['throws', /throws\.config\.ts:3: Error: the domains are not set/],
    ['missing-package', /no-such-package-at-all/],
    ['no-default', /expected the configuration as default export/],
  ])('of %s names the file and the reason', async (name, message) => {
    await expect(loadConfig(fixture(name))).rejects.toMatchObject({
      name: 'ConfigError',
      file: fixture(name),
      message: expect.stringMatching(message),
    })
  })

  test('of a file that does not parse names the file', async () => {
    using dir = scratch('config')
    const file = join(dir.path, 'mailserver.config.mjs')
    writeFileSync(file, 'export default {')
    await expect(loadConfig(file)).rejects.toMatchObject({ name: 'ConfigError', file })
  })

  test('evaluates the file and what it imports anew each time', async () => {
    using dir = scratch('config')
    const file = join(dir.path, 'mailserver.config.mjs')
    writeFileSync(
      file,
      `import { hostname } from './name.mjs'\nexport default { hostname, domains: [], plugins: [] }\n`,
    )
    writeFileSync(join(dir.path, 'name.mjs'), `export const hostname = 'one.example'\n`)
    const source = new URL('../../src/config/load-config.ts', import.meta.url).href
    const script = `
      import { writeFileSync } from 'node:fs'
      import { loadConfig } from '${source}'
      const before = await loadConfig('${file}')
      writeFileSync('${join(dir.path, 'name.mjs')}', "export const hostname = 'two.example'")
      console.log(before.hostname, (await loadConfig('${file}')).hostname)`
    const ran = await run(process.execPath, ['--input-type=module', '--conditions=source', '-e', script])
    expect(ran.stderr).toBe('')
    expect(ran.stdout.trim()).toBe('one.example two.example')
  })
})

describe('finding', () => {
  test('goes up to the root of the project', async () => {
    expect(await findConfig(undefined, join(import.meta.dirname, '..'))).toMatch(/mailserver\.config\.ts$/)
  })

  test('says what to do when there is none', async () => {
    using dir = scratch('config')
    await expect(findConfig(undefined, dir.path)).rejects.toMatchObject({ exitCode: 78, name: 'UserError' })
    await expect(findConfig('nowhere.ts', dir.path)).rejects.toMatchObject({ exitCode: 78 })
  })
})

describe('a description', () => {
  test('tells where secrets come from and never what they are', async () => {
    process.env.RELAY_PASSWORD = 'correct horse'
    const text = JSON.stringify(await describeConfig(await loadConfig(fixture('good'))))
    delete process.env.RELAY_PASSWORD
    expect(text).toContain('[secret env RELAY_PASSWORD]')
    expect(text).toContain('[secret file bob.txt]')
    expect(text).toContain('smtps://user:[redacted]@gw.example:465')
    expect(text).not.toContain('correct horse')
    expect(text).not.toContain('hunter2')
  })

  test('shows no key that an option holds as text', () => {
    const options = { encryption: { keys: ['00ff', '11ff'] }, key: '22ff', keyFile: 'a path' }
    const shown = { encryption: { keys: ['[redacted]', '[redacted]'] }, key: '[redacted]', keyFile: 'a path' }
    expect(describeValue(options)).toEqual(shown)
  })

  test('of two configs gives the changes between them', async () => {
    const running = await describeConfig(await loadConfig(fixture('good')))
    const relay = running.plugins[0] as (typeof running.plugins)[number]
    const next = {
      ...running,
      dataDir: '/elsewhere',
      domains: running.domains.slice(1),
      limits: { ...running.limits, drainMs: 5 },
      plugins: [
        { ...relay, options: { ...(relay.options as object), listen: ['127.0.0.1:0', '[::1]:25'] } },
        { name: 'imap', version: null, options: {} },
      ],
    }
    expect(planChanges(running, running)).toEqual([])
    expect(
      planChanges(running, next).map(({ kind, area, name, needsRestart }) => [kind, area, name, needsRestart]),
    ).toEqual([
      ['changed', 'server', 'dataDir', true],
      ['added', 'plugin', 'imap', false],
      ['added', 'listener', 'relay [::1]:25', false],
      ['removed', 'domain', 'xn--bcher-kva.example', false],
      ['changed', 'limit', 'drainMs', false],
    ])
  })
})
