import { describe, expect, it } from 'vitest'
import { parseOptions } from './options.ts'
import { casesOf, type Ledger, runScenario } from './run-scenario.ts'
import type { Case, Scenario } from './scenario.ts'
import type { System, SystemKind } from './system.ts'

const kind = (name: string, events: string[] = [], more: Partial<SystemKind> = {}): SystemKind => ({
  name,
  start: async (): Promise<System> => ({
    name,
    title: `${name} 1.0`,
    durability: 'synced',
    ports: {},
    pids: () => [],
    stored: async () => 0,
    restart: async () => {},
    [Symbol.asyncDispose]: async () => void events.push(`end ${name}`),
  }),
  ...more,
})

const rate = { key: 'rate', title: 'rate', unit: 'messages/s', better: 'more' } as const

const one = (name: string, more: Partial<Case> = {}): Case => ({
  name,
  title: name,
  figures: [rate],
  run: async () => ({ rate: 1 }),
  ...more,
})

const scenarioOf = (peers: readonly SystemKind[], ...cases: Case[]): Scenario => ({
  name: 'some',
  about: 'Something.',
  peers,
  need: { accounts: 1 },
  cases,
})

const ledgerOf = (): Ledger => ({ participants: new Map(), absent: new Map(), say: () => {} })
const options = (...args: string[]) => parseOptions(['--peers-only', ...args])

describe('a scenario', () => {
  it('runs its systems in turn, as often as asked, and ends them', async () => {
    const events: string[] = []
    const run = async ({ name }: System) => ({ rate: events.push(name) })
    const scenario = scenarioOf([kind('a', events), kind('b', events)], one('x', { run }))
    const ledger = ledgerOf()
    const result = await runScenario(scenario, options('--runs', '2'), ledger, undefined)
    expect(events).toEqual(['a', 'b', 'a', 'b', 'end b', 'end a'])
    expect(result.cases[0]?.systems.map(({ system, series }) => [system, series.rate?.values])).toEqual([
      ['a', [1, 3]],
      ['b', [2, 4]],
    ])
    expect([...ledger.participants.values()].map(({ title }) => title)).toEqual(['a 1.0', 'b 1.0'])
  })

  it('reports what failed with its reason, keeps what was measured before, and goes on', async () => {
    let turn = 0
    const run = async ({ name }: System) => {
      if (name === 'a' && ++turn === 2) throw new Error('5 messages were sent, and 4 are stored')
      return { rate: 7 }
    }
    const scenario = scenarioOf([kind('a'), kind('b')], one('x', { run }))
    const [result] = (await runScenario(scenario, options('--runs', '3'), ledgerOf(), undefined)).cases
    const [a, b] = result?.systems ?? []
    expect(a).toMatchObject({ fault: '5 messages were sent, and 4 are stored', series: { rate: { values: [7] } } })
    expect(b?.series.rate?.values).toEqual([7, 7, 7])
    expect(b?.fault).toBeUndefined()
  })

  it('names a peer that is not there or does not start, and runs without it', async () => {
    const broken = kind('broken', [], { start: () => Promise.reject(new Error('no such user')) })
    const missing = kind('missing', [], { unavailable: async () => 'not installed' })
    const ledger = ledgerOf()
    const result = await runScenario(scenarioOf([broken, missing, kind('b')], one('x')), options(), ledger, undefined)
    expect(Object.fromEntries(ledger.absent)).toEqual({ broken: 'no such user', missing: 'not installed' })
    expect(result.cases[0]?.systems.map(({ system }) => system)).toEqual(['b'])
  })

  it('takes the peers that a case names, or those that were asked for', async () => {
    const scenario = scenarioOf([kind('a'), kind('b')], one('x', { peers: ['a'] }))
    const names = async (...args: string[]) =>
      (await runScenario(scenario, options(...args), ledgerOf(), undefined)).cases[0]?.systems.map((of) => of.system)
    expect(await names()).toEqual(['a'])
    expect(await names('--peer', 'b')).toEqual(['b'])
  })

  it('leaves peers out of a quick run that take long, unless they are asked for', async () => {
    const scenario = { ...scenarioOf([kind('a'), kind('b')], one('x')), quickPeers: ['b'] }
    const names = async (...args: string[]) =>
      (await runScenario(scenario, options(...args), ledgerOf(), undefined)).cases[0]?.systems.map((of) => of.system)
    expect(await names()).toEqual(['a', 'b'])
    expect(await names('--quick')).toEqual(['b'])
    expect(await names('--quick', '--peer', 'a')).toEqual(['a'])
  })
})

describe('the cases of a run', () => {
  const scenario = scenarioOf([], one('short'), one('long', { isLong: true }))
  const names = (...args: string[]) => casesOf(scenario, parseOptions(args)).map(({ name }) => name)

  it('leave out the long ones when it shall be quick, unless they are named', () => {
    expect(names()).toEqual(['short', 'long'])
    expect(names('--quick')).toEqual(['short'])
    expect(names('--quick', '--scenario', 'some/long')).toEqual(['long'])
    expect(names('--scenario', 'other')).toEqual([])
  })
})
