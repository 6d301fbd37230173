import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../support/peer.ts'
import { machineFacts } from './machine.ts'
import { type BenchOptions, HELP, parseOptions } from './options.ts'
import { renderReport, renderSections } from './report.ts'
import type { BenchResult, ScenarioResult } from './result.ts'
import { casesOf, type Ledger, runScenario } from './run-scenario.ts'
import type { Scenario } from './scenario.ts'
import { scenariosFor } from './scenarios.ts'
import { projectRoot } from './support/cache.ts'
import { endWithSignals } from './support/running.ts'
import { withResults, withSections } from './write-docs.ts'

const print = (text: string) => void process.stdout.write(`${text}\n`)
const say = (text: string) => void process.stderr.write(`${text}\n`)

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  let options: BenchOptions
  let scenarios: readonly Scenario[]
  try {
    options = parseOptions(args)
    scenarios = scenariosFor(options.scale)
    checkNames(scenarios, options)
  } catch (error) {
    say(`${(error as Error).message}\n\n${HELP}`)
    return 2
  }
  if (options.help) print(HELP)
  else if (options.list) print(listed(scenarios))
  else await measure(scenarios, options)
  return 0
}

/** @throws Error that names what there is, for a name that there is not */
function checkNames(scenarios: readonly Scenario[], { scenarios: asked, peers }: BenchOptions): void {
  const known = new Set(scenarios.flatMap(({ name, cases }) => [name, ...cases.map((one) => `${name}/${one.name}`)]))
  const unknown = asked.filter((name) => !known.has(name))
  const knownPeers = new Set(scenarios.flatMap((one) => one.peers.map(({ name }) => name)))
  unknown.push(...peers.filter((name) => !knownPeers.has(name)))
  if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')}: see --list`)
}

function listed(scenarios: readonly Scenario[]): string {
  return scenarios
    .map(({ name, about, cases, peers }) => {
      const head = `${name}\n  ${about}\n  peers: ${peers.map((one) => one.name).join(', ') || 'none'}`
      const width = Math.max(...cases.map((one) => one.name.length))
      return [head, ...cases.map((one) => `    ${one.name.padEnd(width)}  ${one.title}`)].join('\n')
    })
    .join('\n\n')
}

async function measure(scenarios: readonly Scenario[], options: BenchOptions): Promise<void> {
  endWithSignals()
  const startedAt = new Date()
  if (options.build && options.sides !== 'peers') await build()
  const ledger: Ledger = { participants: new Map(), absent: new Map(), say }
  const done: ScenarioResult[] = []
  for (const scenario of scenarios) {
    if (casesOf(scenario, options).length === 0) continue
    say(`${scenario.name}`)
    const profileDir = options.profile ? mkdtempSync(join(tmpdir(), 'mailserver-bench-profile-')) : undefined
    try {
      done.push(await runScenario(scenario, options, ledger, profileDir))
    } finally {
      if (profileDir !== undefined) rmSync(profileDir, { recursive: true, force: true })
    }
  }
  const result: BenchResult = {
    startedAt: startedAt.toISOString(),
    seconds: (Date.now() - startedAt.getTime()) / 1000,
    runs: options.runs,
    isQuick: options.isQuick,
    machine: machineFacts(),
    participants: [...ledger.participants.values()],
    absent: [...ledger.absent].map(([name, reason]) => ({ name, reason })),
    scenarios: done,
  }
  const report = renderReport(result)
  print(report)
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`)
  if (options.out !== undefined) writeFileSync(options.out, `${report}\n`)
  if (options.writeDocs) {
    const page = join(projectRoot, 'docs/performance.md')
    const before = readFileSync(page, 'utf8')
    const isPart = options.scenarios.length > 0
    writeFileSync(page, isPart ? withSections(before, renderSections(result)) : withResults(before, report))
  }
}

async function build(): Promise<void> {
  const { code, stdout, stderr } = await run('npm', ['run', '--silent', 'build'], {
    cwd: projectRoot,
    timeoutMs: 300_000,
  })
  if (code !== 0) throw new Error(`the build failed:\n${stdout}${stderr}`)
}
