import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Account,
  type Address,
  authenticator,
  definePlugin,
  directory,
  mailStore,
  parseAddress,
  recipientResolved,
} from 'mailserver'
import { memoryStorage } from 'mailserver/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { directoryPlugin } from '../../src/directory/plugin.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { Host } from '../../src/kernel/host.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { noMetrics } from '../../src/kernel/metrics.ts'

const at = (text: string): Address => {
  const address = parseAddress(text)
  if (address === undefined) throw new Error(text)
  return address
}

/** Mailboxes are another room's matter: this one only counts who got some. */
const noMailboxes = definePlugin({
  name: 'no-mailboxes',
  apiVersion: '^1',
  options: z.object({}),
  provides: { mailStore },
  setup: () => ({
    services: {
      mailStore: {
        createAccount: async () => {},
        removeAccount: async () => {},
        quota: async () => ({ usedBytes: 0, usedMessages: 0 }),
        setQuota: async () => {},
      } as never,
    },
  }),
})

const plugin = definePlugin({
  name: 'names-of-its-own',
  apiVersion: '^1',
  options: z.object({}),
  setup({ hooks }) {
    hooks.on(recipientResolved, ({ address }) =>
      address.local === 'from-plugin' ? { addresses: [at('alice@example.test')] } : undefined,
    )
    return undefined
  },
})

let dataDir: string
let host: Host

async function start(): Promise<Host> {
  const started = new Host({
    plugins: [
      memoryStorage(),
      noMailboxes(),
      plugin(),
      directoryPlugin({
        domains: [
          { name: 'example.test', subaddressDelimiter: '+' },
          { name: 'all.test', subaddressDelimiter: '', catchAll: at('bob@example.test') },
        ],
        accounts: [{ address: at('alice@example.test'), password: 'in clear' }, { address: at('bob@example.test') }],
        aliases: [
          { address: at('info@example.test'), targets: [at('alice@example.test'), at('bob@example.test')] },
          { address: at('both@example.test'), targets: [at('info@example.test'), at('carol@elsewhere.test')] },
          { address: at('circle@example.test'), targets: [at('round@example.test')] },
          { address: at('round@example.test'), targets: [at('circle@example.test'), at('alice@example.test')] },
          { address: at('dead@example.test'), targets: [at('nobody@example.test')] },
        ],
      }),
    ],
    server: {
      hostname: 'mail.example.test',
      dataDir,
      configDir: dataDir,
      worker: 0,
      workers: 1,
      mode: 'serve',
      limits: { messageBytes: 1, recipients: 1 },
    },
    log: silentLog,
    clock: systemClock,
    jobsFor: () => ({ every() {} }),
    metricsFor: () => noMetrics,
  })
  await started.setup()
  await started.start()
  return started
}

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'mailserver-directory-'))
  host = await start()
})

afterEach(async () => {
  await host.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

const resolve = async (text: string) => {
  const resolution = await host.service(directory).resolve(at(text))
  if (resolution.kind !== 'local') return resolution.kind
  return [
    ...resolution.accounts.map(
      ({ account, subaddress }) => `${account.address.local}${subaddress ? `+${subaddress}` : ''}`,
    ),
    ...resolution.forward.map(({ local, domain }) => `${local}@${domain}`),
  ]
}

const login = (name: string, password: string, extra: object = {}): Promise<Account> =>
  host
    .service(authenticator)
    .authenticate({ mechanism: 'PLAIN', login: name, password, protocol: 'imap', remoteAddress: '192.0.2.1', ...extra })

describe('resolving a recipient', () => {
  it.each([
    ['alice@example.test', ['alice']],
    ['ALICE@Example.TEST', ['alice']],
    ['alice+shop@example.test', ['alice+shop']],
    ['info@example.test', ['alice', 'bob']],
    ['info+tag@example.test', ['alice+tag', 'bob+tag']],
    ['both@example.test', ['alice', 'bob', 'carol@elsewhere.test']],
    ['circle@example.test', ['alice']],
    ['dead@example.test', 'unknown'],
    ['nobody@example.test', 'unknown'],
    ['someone@elsewhere.test', 'remote'],
    ['anything@all.test', ['bob']],
    ['any+thing@all.test', ['bob']],
    ['from-plugin@example.test', ['alice']],
    ['Postmaster@example.test', ['alice']],
    ['postmaster@all.test', ['bob']],
  ])('%s', async (address, expected) => {
    expect(await resolve(address)).toEqual(expected)
  })

  it('knows a new account, alias and domain at once, and forgets them at once', async () => {
    const people = host.service(directory)
    // Asked for before they exist: that there was no such thing must not be remembered.
    expect(await resolve('d@new.test')).toBe('remote')
    expect(await resolve('dora@example.test')).toBe('unknown')
    await people.addAccount({ address: at('dora@example.test') }, 'a long password')
    expect(await resolve('dora@example.test')).toEqual(['dora'])
    await people.addDomain({ name: 'new.test' })
    await people.addAccount({ address: at('dora@new.test') }, 'a long password')
    await people.addAlias(at('d@new.test'), [at('dora@new.test')])
    expect(await resolve('d@new.test')).toEqual(['dora'])
    await people.removeAccount(at('dora@new.test'))
    expect(await resolve('d@new.test')).toBe('unknown')
    await people.removeDomain('new.test')
    expect(await resolve('d@new.test')).toBe('remote')
  })

  it('keeps a domain with accounts, and lets nobody of a removed one log in', async () => {
    const people = host.service(directory)
    await people.addDomain({ name: 'new.test' })
    await people.addAccount({ address: at('dora@new.test') }, 'a long password')
    await expect(people.removeDomain('new.test')).rejects.toMatchObject({ code: 'CONFLICT' })
    expect((await login('dora@new.test', 'a long password')).address.local).toBe('dora')
    await people.removeDomain('new.test', { force: true })
    await expect(login('dora@new.test', 'a long password')).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    expect(await resolve('dora@new.test')).toBe('remote')
    await people.addDomain({ name: 'new.test' })
    expect((await login('dora@new.test', 'a long password')).address.local).toBe('dora')
  })

  it('refuses an alias of itself', async () => {
    const people = host.service(directory)
    const targets = [at('bob@example.test'), at('ECHO@Example.test')]
    await expect(people.addAlias(at('echo@example.test'), targets)).rejects.toMatchObject({ code: 'INVALID' })
  })

  it('takes a domain in Unicode and in A-labels for the same', async () => {
    await host.service(directory).addDomain({ name: 'Bücher.test', catchAll: at('bob@example.test') })
    expect(await resolve('x@bücher.test')).toEqual(['bob'])
    expect(await resolve('x@XN--BCHER-KVA.test')).toEqual(['bob'])
  })

  it('gives a disabled account no mail, by any of its names', async () => {
    await host.service(directory).updateAccount(at('alice@example.test'), { disabled: true })
    expect(await resolve('alice@example.test')).toBe('unknown')
    expect(await resolve('info@example.test')).toEqual(['bob'])
  })
})

describe('sending as', () => {
  it.each([
    ['alice@example.test', true],
    ['alice+shop@example.test', true],
    ['info@example.test', true],
    ['bob@example.test', false],
    ['nobody@example.test', false],
    ['postmaster@example.test', false],
    ['alice@elsewhere.test', false],
  ])('alice may send as %s: %s', async (sender, expected) => {
    const alice = await host.service(directory).accountByAddress(at('alice@example.test'))
    expect(await host.service(directory).maySendAs((alice as Account).id, at(sender))).toBe(expected)
  })

  it('lends nobody the names that only the catch-all takes', async () => {
    const bob = (await host.service(directory).accountByAddress(at('bob@example.test'))) as Account
    expect(await host.service(directory).maySendAs(bob.id, at('anything@all.test'))).toBe(false)
  })
})

describe('changes', () => {
  it('refuses what stands in the config, what exists, and foreign domains', async () => {
    const people = host.service(directory)
    await expect(people.removeAccount(at('alice@example.test'))).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(people.addAccount({ address: at('alice@example.test') }, 'x')).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    await expect(people.addAlias(at('info@example.test'), [at('bob@example.test')])).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    await expect(people.addAccount({ address: at('x@elsewhere.test') }, 'x')).rejects.toMatchObject({ code: 'INVALID' })
    await expect(people.setPassword(at('nobody@example.test'), 'x')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('makes one account of two added at the same time', async () => {
    const people = host.service(directory)
    const add = () => people.addAccount({ address: at('eve@example.test') }, 'password')
    const results = await Promise.allSettled([add(), add(), add()])
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})

describe('logging in', () => {
  it('takes the password of the config, by address, and refuses another', async () => {
    expect((await login('alice@example.test', 'in clear')).address.local).toBe('alice')
    await expect(login('alice@example.test', 'wrong')).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    await expect(login('alice@example.test', '')).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    await expect(login('nobody@example.test', 'in clear')).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
  })

  it('makes a password for an account without one, keeps it for the operator alone, and drops it when it is changed', async () => {
    const file = join(dataDir, 'generated-passwords.json')
    const passwords = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(Object.keys(passwords)).toEqual(['bob@example.test'])
    expect((await login('bob@example.test', passwords['bob@example.test'] as string)).address.local).toBe('bob')
    await host.service(directory).setPassword(at('bob@example.test'), 'my own')
    expect(() => statSync(file)).toThrow()
    await login('bob@example.test', 'my own')
    await expect(login('bob@example.test', passwords['bob@example.test'] as string)).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
    })
  })

  it('refuses a disabled account, and lets it in again', async () => {
    const people = host.service(directory)
    await people.updateAccount(at('alice@example.test'), { disabled: true })
    await expect(login('alice@example.test', 'in clear')).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    await people.updateAccount(at('alice@example.test'), { disabled: false })
    await login('alice@example.test', 'in clear')
  })

  it('acts only as oneself (RFC 4616)', async () => {
    await login('alice@example.test', 'in clear', { authorizationId: 'alice@example.test' })
    await expect(
      login('alice@example.test', 'in clear', { authorizationId: 'bob@example.test' }),
    ).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
    })
  })

  it('lets a recreated account in at once', async () => {
    const people = host.service(directory)
    await people.addAccount({ address: at('eve@example.test') }, 'first')
    await login('eve@example.test', 'first')
    await people.removeAccount(at('eve@example.test'))
    await expect(login('eve@example.test', 'first')).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    await people.addAccount({ address: at('eve@example.test') }, 'second')
    await login('eve@example.test', 'second')
  })

  it('blocks an address that guesses, not one whose phone has an old password', async () => {
    for (let turn = 0; turn < 30; turn++) {
      await expect(login('alice@example.test', 'old one')).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    }
    for (let turn = 0; turn < 10; turn++) await login('alice@example.test', `guess ${turn}`).catch(() => {})
    await expect(login('alice@example.test', 'in clear')).rejects.toMatchObject({ code: 'LIMIT_REACHED' })
    await login('alice@example.test', 'in clear', { remoteAddress: '192.0.2.2' })
  })
})
