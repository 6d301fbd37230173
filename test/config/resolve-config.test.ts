import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { resolveConfig } from '../../src/config/resolve-config.ts'
import { secret } from '../../src/config/secret.ts'
import { ConfigError } from '../../src/errors/config-error.ts'
import { definePlugin } from '../../src/kernel/plugin.ts'

const greylist = definePlugin({
  name: 'greylist',
  apiVersion: '^1',
  options: z.object({ delay: z.number().default(5), nested: z.object({ deep: z.boolean() }).optional() }),
  setup: () => undefined,
})
const FILE = '/srv/mail/mailserver.config.ts'
const minimal = { hostname: 'mail.example.test', domains: ['example.test'], plugins: [] }
const resolve = (change: object = {}) => resolveConfig({ ...minimal, ...change }, FILE)

async function problems(raw: unknown): Promise<readonly string[]> {
  const error = await resolveConfig(raw, FILE).catch((thrown: unknown) => thrown)
  if (!(error instanceof ConfigError)) throw new Error(`expected a ConfigError, got ${error}`)
  expect(error.file).toBe(FILE)
  expect(error.message).toContain(FILE)
  return error.problems.map(({ path, message }) => `${path}: ${message}`)
}

describe('a configuration that is right', () => {
  test('gets every default, in milliseconds and octets', async () => {
    expect(await resolve()).toMatchObject({
      hostname: 'mail.example.test',
      dataDir: '/srv/mail/data',
      domains: [{ name: 'example.test', subaddressDelimiter: '+' }],
      tls: [],
      dns: { servers: [], timeoutMs: 5_000 },
      workers: 1,
      limits: {
        messageBytes: 52_428_800,
        recipients: 1000,
        drainMs: 30_000,
        reloadMs: 3_600_000,
        journeyMs: 2_592_000_000,
      },
      queue: {
        delaysMs: [300_000, 600_000, 1_200_000, 2_400_000, 3_600_000, 7_200_000, 14_400_000],
        jitter: 0.1,
        lifetimeMs: 432_000_000,
        warnAfterMs: 14_400_000,
      },
      log: { level: 'info' },
    })
  })

  test('has paths relative to its file, and secrets left closed', async () => {
    const key = secret.env('NOT_SET_ANYWHERE')
    const config = await resolve({ dataDir: '../spool', tls: [{ cert: 'cert.pem', key }] })
    expect(config.dataDir).toBe('/srv/spool')
    expect(config.tls).toEqual([{ cert: '/srv/mail/cert.pem', key, names: [] }])
  })

  test('is frozen all the way down, plugin options included', async () => {
    const config = await resolve({ plugins: [greylist({ delay: 1 })], accounts: ['alice@example.test'] })
    const parts = [config, config.limits, config.domains[0], config.accounts[0]?.address, config.plugins[0]?.options]
    for (const part of parts) expect(Object.isFrozen(part)).toBe(true)
  })

  test('leaves out falsy plugins and opens groups, in order', async () => {
    const other = definePlugin({ name: 'other', apiVersion: '^1', options: z.object({}), setup: () => undefined })
    const config = await resolve({ plugins: [false, [undefined, [other()]], null, greylist()] })
    expect(config.plugins.map(({ name }) => name)).toEqual(['other', 'greylist'])
  })

  test("takes 'auto' for one worker a core", async () => {
    expect((await resolve({ workers: 'auto' })).workers).toBeGreaterThan(0)
  })
})

describe('a configuration that is wrong', () => {
  test.each([
    ['not an object', 7, ': expected an object, got 7'],
    [
      'no host name',
      { ...minimal, hostname: undefined },
      "hostname: expected a host name such as 'mx.example.org', got nothing",
    ],
    [
      'an impossible host name',
      { ...minimal, hostname: 'a b' },
      'hostname: expected a host name such as \'mx.example.org\', got "a b"',
    ],
    ['a misspelt option', { ...minimal, hostnme: 'x' }, ': there is no option hostnme'],
    [
      'a domain that is none',
      { ...minimal, domains: ['-'] },
      'domains[0]: expected a domain such as \'example.org\', got "-"',
    ],
    ['a domain of a wrong kind', { ...minimal, domains: [3] }, 'domains[0]: expected an object, got 3'],
    ['a domain listed twice', { ...minimal, domains: ['a.test', 'A.test.'] }, 'domains[1]: a.test is listed twice'],
    [
      'a duration without a unit',
      { ...minimal, limits: { drain: 'soon' } },
      "limits.drain: expected a duration such as '30s', '5m' or '2h', got \"soon\"",
    ],
    ['no workers', { ...minimal, workers: 0 }, 'workers: expected at least 1, got 0'],
    [
      'a DNS server by name',
      { ...minimal, dns: { servers: ['localhost'] } },
      "dns.servers[0]: expected an address such as '192.0.2.53' or '127.0.0.1:5353', got \"localhost\"",
    ],
    [
      'a log level',
      { ...minimal, log: { level: 'loud' } },
      'log.level: expected "trace" or "debug" or "info" or "warn" or "error", got "loud"',
    ],
    [
      'an address without domain',
      { ...minimal, accounts: ['alice'] },
      'accounts[0]: expected an address such as \'alice@example.org\', got "alice"',
    ],
    [
      'an account elsewhere',
      { ...minimal, accounts: ['a@other.test'] },
      "accounts[0]: a@other.test is in none of our domains; add 'other.test' to domains",
    ],
    [
      'an account twice',
      { ...minimal, accounts: ['a@example.test', { address: 'A@example.test' }] },
      'accounts[1]: a@example.test is taken by accounts[0] already',
    ],
    [
      'an alias that is an account',
      { ...minimal, accounts: ['a@example.test'], aliases: { 'a@example.test': 'b@x.test' } },
      "aliases['a@example.test']: a@example.test is taken by accounts[0] already",
    ],
    [
      'an alias of itself',
      { ...minimal, aliases: { 'a@example.test': ['b@x.test', 'A@Example.test'] } },
      "aliases['a@example.test']: expected other addresses, got the alias itself",
    ],
    [
      'an alias with no target',
      { ...minimal, aliases: { 'a@example.test': [] } },
      "aliases['a@example.test']: expected at least one address",
    ],
    [
      'a quota',
      { ...minimal, accounts: [{ address: 'a@example.test', quota: 'big' }] },
      "accounts[0].quota: expected a size such as '512KB', '50MB' or '2GB', got \"big\"",
    ],
    [
      'a plugin that was not called',
      { ...minimal, plugins: [greylist] },
      'plugins[0]: expected a plugin such as smtp(), got the function factory: call it',
    ],
    [
      'a plugin that is text, in a group',
      { ...minimal, plugins: [[null, 'smtp']] },
      'plugins[0][1]: expected a plugin such as smtp(), got "smtp"',
    ],
    [
      'a plugin that is awaited for',
      { ...minimal, plugins: [Promise.resolve()] },
      'plugins[0]: expected a plugin such as smtp(), got a promise: await it',
    ],
    [
      'a plugin option',
      { ...minimal, plugins: [null, greylist({ delay: '5m' as never })] },
      'plugins[1] greylist.delay: expected number, got string',
    ],
    [
      'a preference for nobody',
      { ...minimal, plugins: [greylist()], provide: { 'core:engine': 'x' } },
      "provide['core:engine']: there is no plugin x; plugins are: greylist",
    ],
    [
      'a fault rule for nobody',
      { ...minimal, onError: { x: 'defer' } },
      'onError.x: there is no plugin x; plugins are: none',
    ],
  ])('%s is named with its path, what was expected and what was found', async (_, raw, expected) => {
    expect(await problems(raw)).toEqual([expected])
  })

  test('has all its problems told at once', async () => {
    const found = await problems({
      hostname: '',
      domains: 'example.test',
      plugins: [greylist({ delay: 'x' as never, nested: { deep: 1 as never } }), 5],
      workers: -1,
    })
    expect(found).toEqual([
      'hostname: expected a host name such as \'mx.example.org\', got ""',
      'domains: expected an array, got "example.test"',
      'workers: expected at least 1, got -1',
      'plugins[1]: expected a plugin such as smtp(), got 5',
      'plugins[0] greylist.delay: expected number, got string',
      'plugins[0] greylist.nested.deep: expected boolean, got number',
    ])
  })

  test('never has a password printed, whatever stands in its place', async () => {
    const found = await problems({ ...minimal, accounts: [{ address: 'a@example.test', password: 'hunter2' }] })
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(/^accounts\[0\]\.password: expected an argon2id hash/)
    expect(found.join()).not.toContain('hunter2')
  })

  test('has the password of a URL left out of the message', async () => {
    const found = await problems({ ...minimal, dns: { servers: ['dns://me:hunter2@192.0.2.1'] } })
    expect(found.join()).toContain('dns://me:[redacted]@192.0.2.1')
    expect(found.join()).not.toContain('hunter2')
  })
})
