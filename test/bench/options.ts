import { parseArgs } from 'node:util'

export interface BenchOptions {
  readonly help: boolean
  readonly list: boolean
  /** `delivery`, or `delivery/2k-10-reuse` for one case; all when empty. */
  readonly scenarios: readonly string[]
  /** Peers to run against instead of those each case names; empty for those. */
  readonly peers: readonly string[]
  readonly runs: number
  readonly isQuick: boolean
  readonly json: string | undefined
  readonly out: string | undefined
  readonly scale: readonly number[]
  readonly sides: 'both' | 'ours' | 'peers'
  readonly profile: boolean
  readonly writeDocs: boolean
  readonly build: boolean
}

export const HELP = `npm run bench -- [options]

Runs scenarios against mailserver and against its peers, in alternation, and prints medians and ratios.

  --list              print the scenarios, their cases and peers
  --scenario x,y      only these: a scenario (delivery) or one case of it (delivery/2k-10-reuse)
  --peer x,y          only these peers, in every case they can do
  --sut-only          only ours
  --peers-only        only the peers
  --runs N            runs of each case on each side (3; 1 with --quick)
  --quick             short runs of the cases that matter every day, under two minutes in all
  --scale 1,10,100    how often the base amount of data is stored in the scenario "growth"
  --profile           CPU profile of our server over each scenario: 20 functions and the rooms that take most time
  --json FILE         write everything measured as JSON
  --out FILE.md       write the report as Markdown; it is printed in any case
  --write-docs        put the report into docs/performance.md; with --scenario, the results of these in place of theirs
  --no-build          measure dist/ as it is
  --help
`

const list = (text: string | undefined): string[] => (text ?? '').split(',').filter((one) => one !== '')

/** @throws Error that says which option is wrong */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      help: { type: 'boolean', default: false, short: 'h' },
      list: { type: 'boolean', default: false },
      scenario: { type: 'string' },
      peer: { type: 'string' },
      runs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      out: { type: 'string' },
      scale: { type: 'string', default: '1,10,100' },
      'sut-only': { type: 'boolean', default: false },
      'peers-only': { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      'write-docs': { type: 'boolean', default: false },
      build: { type: 'boolean', default: true },
    },
  })
  const asked = list(values.scenario)
  if (values['write-docs'] && asked.some((name) => name.includes('/'))) {
    throw new Error('--write-docs takes whole scenarios, not cases of them')
  }
  if (values['sut-only'] && values['peers-only']) throw new Error('--sut-only and --peers-only exclude each other')
  return {
    help: values.help,
    list: values.list,
    scenarios: asked,
    peers: list(values.peer),
    runs: values.runs === undefined ? (values.quick ? 1 : 3) : positive('--runs', values.runs),
    isQuick: values.quick,
    json: values.json,
    out: values.out,
    scale: list(values.scale).map((one) => positive('--scale', one)),
    sides: values['sut-only'] ? 'ours' : values['peers-only'] ? 'peers' : 'both',
    profile: values.profile,
    writeDocs: values['write-docs'],
    build: values.build,
  }
}

function positive(option: string, text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1) throw new Error(`${option} takes whole numbers from 1 on, not '${text}'`)
  return number
}
