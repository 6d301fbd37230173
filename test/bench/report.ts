import { barAgainst, type Figure, markOf, markOfLimit, ratioOf } from './figure.ts'
import type { BenchResult, CaseResult, ScenarioResult, SystemResult } from './result.ts'

/** A load generator that takes more of a processor than this may be what limits. */
const BUSY = 0.85

/** The whole report as Markdown. */
export function renderReport(result: BenchResult): string {
  return [
    `Measured ${result.startedAt.slice(0, 10)} on ${Object.values(result.machine).join(', ')}; ${result.runs} ` +
      `alternating run${result.runs === 1 ? '' : 's'}${result.isQuick ? ', quick' : ''}; ${minutes(result.seconds)} in all. ` +
      'Medians; ± is half the distance from the least to the greatest.',
    renderParticipants(result),
    ...result.scenarios.map(renderScenario),
    renderTimes(result),
  ].join('\n\n')
}

/** What was measured anew of some scenarios, by their names: each says when, and how often. */
export function renderSections({ scenarios, startedAt, runs }: BenchResult): ReadonlyMap<string, string> {
  const when = `${startedAt.slice(0, 10)} ${startedAt.slice(11, 16)} UTC, ${runs} alternating run${runs === 1 ? '' : 's'}`
  return new Map(
    scenarios.map((one) => [one.name, renderScenario({ ...one, about: `${one.about} Measured again ${when}.` })]),
  )
}

function renderParticipants({ participants, absent }: BenchResult): string {
  const rows = participants.map(({ name, title, durability }) => [name, title, durability])
  const missing = absent.map(({ name, reason }) => [name, 'not measured', reason])
  return table(['system', 'version', 'durability'], [...rows, ...missing])
}

function renderScenario({ name, about, cases, profile }: ScenarioResult): string {
  const rows = cases.flatMap((one) => one.figures.flatMap((figure) => rowsOf(one, figure)))
  const text = `#### ${name}\n\n${about}\n\n${table(['case', 'ours', 'peer', 'ratio', 'bar'], rows)}`
  return profile === undefined ? text : `${text}\n\nProfile of ours: ${profile}`
}

/** A row for each peer; one without a peer when ours stands alone. */
function rowsOf(one: CaseResult, figure: Figure): string[][] {
  const ours = one.systems.find(({ system }) => system === 'ours')
  const peers = one.systems.filter(({ system }) => system !== 'ours')
  const title = one.figures.length === 1 ? one.title : `${one.title}: ${figure.title}`
  const mine = ours === undefined ? '–' : cell(ours, figure)
  const value = ours?.series[figure.key]?.median
  const hasPeer = peers.filter(({ series, fault }) => series[figure.key] !== undefined || fault !== undefined)
  const own =
    figure.limit === undefined || value === undefined
      ? ''
      : `${limitText(figure)} **${markOfLimit(figure, figure.limit, value)}**`
  if (hasPeer.length === 0) return mine === '–' ? [] : [[title, mine, '–', '–', own || '–']]
  return hasPeer.map((peer) => {
    const theirs = peer.series[figure.key]?.median
    const ratio = value === undefined || theirs === undefined ? undefined : ratioOf(figure, value, theirs)
    const bar = barAgainst(figure, peer.system)
    const against = bar === undefined ? own : barText(bar, ratio)
    return [
      title,
      mine,
      `${peer.system} ${cell(peer, figure)}`,
      ratio === undefined ? '–' : `${number(ratio)}x`,
      against || '–',
    ]
  })
}

function barText(bar: { readonly floor: number; readonly goal?: number }, ratio: number | undefined): string {
  const range = bar.goal === undefined ? `${bar.floor}` : `${bar.floor}, goal ${bar.goal}`
  return ratio === undefined ? range : `${range} **${markOf(bar, ratio)}**`
}

function limitText({ limit, unit, better }: Figure): string {
  if (limit === undefined) return ''
  const sign = better === 'more' ? '≥' : '≤'
  return `${sign} ${limit.floor}${limit.goal === undefined ? '' : `, goal ${limit.goal}`} ${unit}`
}

function cell({ series, fault }: SystemResult, { key, unit }: Figure): string {
  const found = series[key]
  if (found === undefined) return fault === undefined ? '–' : `failed: ${fault}`
  const spread = found.values.length > 1 ? ` ±${Math.round(found.spread * 100)} %` : ''
  const share = series.clientShare?.median ?? 0
  const busy = share > BUSY ? ` (client ${Math.round(share * 100)} % busy)` : ''
  return `${number(found.median)} ${unit}${spread}${busy}${fault === undefined ? '' : ` (then failed: ${fault})`}`
}

/** Three digits that count, in groups of three. */
export function number(value: number): string {
  if (value === 0) return '0'
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value.toLocaleString('en-GB', { maximumFractionDigits: Math.min(digits, 4) })
}

function renderTimes({ scenarios }: BenchResult): string {
  return `#### How long it took\n\n${table(
    ['scenario', 'seconds'],
    scenarios.map(({ name, seconds }) => [name, number(seconds)]),
  )}`
}

const minutes = (seconds: number): string =>
  seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 6) / 10} min`

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
