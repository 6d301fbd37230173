import { type ConfiguredPlugin, definePlugin, defineService, optional } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../src/kernel/clock.ts'
import { Host } from '../../src/kernel/host.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { noMetrics } from '../../src/kernel/metrics.ts'
import { subsetFor } from '../../src/kernel/plugin-graph.ts'

const thing = defineService<{ name: string }>('test:thing')
const other = defineService<{ name: string }>('test:other')

const hostOf = (plugins: readonly ConfiguredPlugin[], prefer: Record<string, string> = {}) =>
  new Host({
    plugins,
    prefer,
    server: {
      hostname: 'mail.example.test',
      dataDir: '/nonexistent',
      configDir: '/nonexistent',
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

const log: string[] = []
const provider = definePlugin({
  name: 'provider',
  apiVersion: '^1',
  options: z.object({ fail: z.boolean().default(false) }),
  provides: { thing },
  setup: ({ options }) => ({
    services: { thing: { name: 'from provider' } },
    start: () => {
      log.push('start provider')
      if (options.fail) throw new Error('port 25 is in use')
    },
    drain: () => void log.push('drain provider'),
    stop: () => void log.push('stop provider'),
  }),
})
const user = definePlugin({
  name: 'user',
  apiVersion: '^1',
  options: z.object({}),
  needs: { thing, maybe: optional(other) },
  setup: ({ services }) => {
    log.push(`setup user with ${services.thing.name} and ${services.maybe?.name}`)
    return { start: () => void log.push('start user'), stop: () => void log.push('stop user') }
  },
})

const wrapperOf = (name: string) =>
  definePlugin({
    name,
    apiVersion: '^1',
    options: z.object({}),
    wraps: { thing },
    setup: ({ services }) => ({ services: { thing: { name: `${services.thing.name} in ${name}` } } }),
  })()

describe('a plugin that wraps a service', () => {
  it('stands between its provider and all that need it, in the order of the config', async () => {
    log.length = 0
    const host = hostOf([user(), wrapperOf('inner'), wrapperOf('outer'), provider()])
    await host.setup()
    expect(log).toEqual(['setup user with from provider in inner in outer and undefined'])
    expect(host.service(thing).name).toBe('from provider in inner in outer')
    await host.stop()
  })

  it('is part of what a service needs, and needs its provider', () => {
    const wrapper = wrapperOf('wrapper')
    const plugins = [provider(), wrapper, user()]
    expect(subsetFor(plugins, [thing]).map(({ name }) => name)).toEqual(['provider', 'wrapper'])
    expect(() => hostOf([wrapper])).toThrow(/needs test:thing, and no plugin provides it/)
  })
})

describe('a host', () => {
  it('sets up and starts providers first, stops them last, and gives services their types', async () => {
    log.length = 0
    const host = hostOf([user(), provider()])
    await host.setup()
    await host.start()
    await host.drain(new AbortController().signal)
    await host.stop()
    await host.stop()
    expect(log).toEqual([
      'setup user with from provider and undefined',
      'start provider',
      'start user',
      'drain provider',
      'stop user',
      'stop provider',
    ])
  })

  it('names the plugin that does not start, and stops what had been set up', async () => {
    log.length = 0
    const host = hostOf([provider({ fail: true }), user()])
    await host.setup()
    await expect(host.start()).rejects.toThrow('provider did not start: port 25 is in use')
    expect(log).toEqual(['setup user with from provider and undefined', 'start provider', 'stop user', 'stop provider'])
  })

  it('reports a wrong option with its path', async () => {
    const host = hostOf([provider({ fail: 'yes' } as never)])
    await expect(host.setup()).rejects.toThrow(/provider\.fail: .*expected boolean/)
  })
})

describe('the plugin graph', () => {
  it('reports a missing provider', () => {
    expect(() => hostOf([user()])).toThrow('plugins[0] user: needs test:thing, and no plugin provides it')
  })

  it('reports two providers, and takes the one the config chooses', () => {
    const second = definePlugin({
      name: 'second',
      apiVersion: '^1',
      options: z.object({}),
      provides: { thing },
      setup: () => ({ services: { thing: { name: 'from second' } } }),
    })
    expect(() => hostOf([provider(), second()])).toThrow("choose with provide: { 'test:thing': 'second' }")
    expect(hostOf([provider(), second()], { 'test:thing': 'second' }).graph.providers.get('test:thing')?.name).toBe(
      'second',
    )
  })

  it('reports a circle by its names', () => {
    const circular = (name: string, needs: typeof thing, provides: typeof thing) =>
      definePlugin({
        name,
        apiVersion: '^1',
        options: z.object({}),
        needs: { needs },
        provides: { provides },
        setup: () => ({ services: { provides: { name } } }),
      })()
    expect(() => hostOf([circular('a', thing, other), circular('b', other, thing)])).toThrow('a -> b -> a')
  })

  it('reports a plugin that was written for another API', () => {
    const old = definePlugin({ name: 'old', apiVersion: '^0.3', options: z.object({}), setup: () => undefined })
    expect(() => hostOf([old()])).toThrow(/is written for plugin API \^0\.3, this is 1\.0\.0/)
  })

  it('reports a name used twice', () => {
    expect(() => hostOf([provider(), provider()])).toThrow('there are two plugins of the name provider')
  })

  it('finds what a service needs, for a command without a server', () => {
    const plugins = [user(), provider()]
    expect(subsetFor(plugins, [thing]).map(({ name }) => name)).toEqual(['provider'])
  })
})
