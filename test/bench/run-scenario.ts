import { dataFor } from './data-set.ts'
import type { BenchOptions } from './options.ts'
import { OurServer } from './ours.ts'
import { renderProfiles } from './profile.ts'
import type { CaseResult, Participant, ScenarioResult, SystemResult } from './result.ts'
import type { Case, Effort, Scenario } from './scenario.ts'
import { seriesOf } from './statistics.ts'
import { hasEnded, untilEnd } from './support/running.ts'
import type { Need, System, SystemKind } from './system.ts'

const ours: SystemKind = { name: 'ours', start: (need) => OurServer.start(need) }

/** What the caller keeps over all scenarios, and hears. */
export interface Ledger {
  readonly participants: Map<string, Participant>
  readonly absent: Map<string, string>
  say(text: string): void
}

const FULL: Effort = { targetMs: 1_200, isQuick: false }
const QUICK: Effort = { targetMs: 500, isQuick: true }

/** The cases of a scenario that the options ask for. */
export function casesOf(scenario: Scenario, { scenarios, isQuick }: BenchOptions): readonly Case[] {
  const named = scenario.cases.filter(({ name }) => scenarios.includes(`${scenario.name}/${name}`))
  if (named.length > 0) return named
  if (scenarios.length > 0 && !scenarios.includes(scenario.name)) return []
  if (isQuick && scenario.isLong && scenarios.length === 0) return []
  return scenario.cases.filter(({ isLong }) => !(isQuick && isLong))
}

/**
 * Starts all systems of the scenario and runs its cases on them in turn: ours, peer, peer, ours, peer, peer… A system that
 * fails in a case is reported with the reason, and the others go on.
 */
export async function runScenario(
  scenario: Scenario,
  options: BenchOptions,
  ledger: Ledger,
  profileDir: string | undefined,
): Promise<ScenarioResult> {
  const began = performance.now()
  const cases = casesOf(scenario, options)
  const effort = options.isQuick ? QUICK : FULL
  await using around = await scenario.around?.()
  const need: Need = { ...scenario.need, ...around?.need }
  await using systems = new AsyncDisposableStack()
  const running: System[] = []
  for (const kind of await kindsFor(scenario, cases, options, ledger)) {
    try {
      const isProfiled = kind === ours && profileDir !== undefined
      const dataDir = scenario.data === undefined ? undefined : await dataFor(scenario.data, kind, need)
      const system = untilEnd(
        await kind.start({ ...need, ...(dataDir && { dataDir }), ...(isProfiled && { profileDir }) }),
      )
      systems.defer(async () => {
        await system[Symbol.asyncDispose]()
        hasEnded(system)
      })
      await scenario.prepare?.(system, effort)
      running.push(system)
      ledger.participants.set(system.name, pick(system))
    } catch (error) {
      ledger.absent.set(kind.name, reasonOf(error))
      ledger.say(`  ${kind.name} cannot take part: ${reasonOf(error)}`)
    }
  }
  const fromUs = Number(process.hrtime.bigint() / 1000n)
  const results: CaseResult[] = []
  for (const one of cases) results.push(await runCase(one, running, options, effort, ledger))
  await systems.disposeAsync()
  const seconds = (performance.now() - began) / 1000
  const profile = profileDir === undefined ? undefined : renderProfiles(profileDir, fromUs)
  return { name: scenario.name, about: scenario.about, seconds, cases: results, ...(profile && { profile }) }
}

async function kindsFor(
  scenario: Scenario,
  cases: readonly Case[],
  { peers, sides, isQuick }: BenchOptions,
  ledger: Ledger,
): Promise<SystemKind[]> {
  const kinds: SystemKind[] = sides === 'peers' ? [] : [ours]
  if (sides === 'ours') return kinds
  for (const kind of scenario.peers) {
    const takesPart = (names: readonly string[] | undefined) => names?.includes(kind.name) ?? true
    const isWanted =
      peers.length > 0
        ? takesPart(peers)
        : (!isQuick || takesPart(scenario.quickPeers)) && cases.some((one) => takesPart(one.peers))
    if (!isWanted) continue
    const reason = ledger.absent.get(kind.name) ?? (await kind.unavailable?.())
    if (reason === undefined) kinds.push(kind)
    else ledger.absent.set(kind.name, reason)
  }
  return kinds
}

async function runCase(
  one: Case,
  systems: readonly System[],
  { peers, runs }: BenchOptions,
  effort: Effort,
  ledger: Ledger,
): Promise<CaseResult> {
  const partial = new Map<System, { values: Record<string, number[]>; fault?: string }>()
  for (const system of systems) {
    const takesPart = system.name === 'ours' || peers.length > 0 || (one.peers?.includes(system.name) ?? true)
    if (takesPart) partial.set(system, { values: {} })
  }
  for (let run = 0; run < Math.min(runs, one.maxRuns ?? runs); run++) {
    for (const [system, entry] of partial) {
      if (entry.fault !== undefined) continue
      try {
        const measured = await one.run(system, effort)
        for (const [key, value] of Object.entries(measured)) entry.values[key] = [...(entry.values[key] ?? []), value]
      } catch (error) {
        entry.fault = reasonOf(error)
        ledger.say(`  ${one.name}: ${system.name} failed: ${entry.fault}`)
      }
    }
  }
  const results = [...partial].map(
    ([system, { values, fault }]): SystemResult => ({
      system: system.name,
      series: Object.fromEntries(Object.entries(values).map(([key, list]) => [key, seriesOf(list)])),
      ...(fault !== undefined && { fault }),
    }),
  )
  const main = one.figures[0]
  const shown = results.map(({ system, series, fault }) => {
    const value = main && series[main.key]?.median
    return `${system} ${value === undefined ? (fault === undefined ? '–' : 'failed') : value.toPrecision(4)}`
  })
  ledger.say(`  ${one.name} (${main?.unit}): ${shown.join(', ')}`)
  return { name: one.name, title: one.title, figures: one.figures, systems: results }
}

const pick = ({ name, title, durability }: System): Participant => ({ name, title, durability })

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll(/\s+/g, ' ').slice(0, 500) : String(error)
}
