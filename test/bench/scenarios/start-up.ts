import { type DataSet, HUNDRED_THOUSAND } from '../data-set.ts'
import { OurServer } from '../ours.ts'
import { dovecotMdbox } from '../peers/dovecot.ts'
import { postfixMaildir } from '../peers/postfix.ts'
import type { Case, Scenario } from '../scenario.ts'
import { quantile } from '../statistics.ts'
import { memoryBytes, processCount } from '../support/process-tree.ts'

const VERSION_TURNS = 5
const SETTLE_MS = 1_000

const start: Case = {
  name: 'start',
  title: 'start, until every port accepts',
  figures: [{ key: 'ms', title: 'time', unit: 'ms', better: 'less', limit: { floor: 2_000, goal: 1_000 } }],
  async run(system) {
    // Ending it is no part of what is measured: ours says how long its start alone took.
    const began = performance.now()
    await system.restart()
    return { ms: system instanceof OurServer ? system.startMs : performance.now() - began }
  },
  peers: [],
}

const version: Case = {
  name: 'version',
  title: 'mailserver --version',
  figures: [{ key: 'ms', title: 'time', unit: 'ms', better: 'less', limit: { floor: 250, goal: 150 } }],
  peers: [],
  async run(system) {
    if (!(system instanceof OurServer)) throw new Error('it is a command of ours')
    const times: number[] = []
    for (let turn = 0; turn < VERSION_TURNS; turn++) times.push(await system.versionMs())
    return { ms: quantile(times, 0.5) }
  },
}

const memory: Case = {
  name: 'rest',
  title: 'memory at rest, a second after the start',
  figures: [
    { key: 'mb', title: 'memory (PSS of all its processes)', unit: 'MB', better: 'less', limit: { floor: 150 } },
    { key: 'processes', title: 'processes', unit: '', better: 'less' },
  ],
  isLong: true,
  async run(system) {
    await system.restart()
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
    return { mb: memoryBytes(system.pids()) / 1e6, processes: processCount(system.pids()) }
  },
}

export const startUp: Scenario = {
  name: 'start-up',
  about: 'With an empty store.',
  peers: [postfixMaildir, dovecotMdbox],
  need: { accounts: 10 },
  cases: [start, version, memory],
}

const large: DataSet = HUNDRED_THOUSAND

export const startUpLarge: Scenario = {
  name: 'start-up-100k',
  about: `With a store of ${large.messages.toLocaleString('en-GB')} messages, ${(large.messages * large.bytes) / 1e6} MB.`,
  peers: [dovecotMdbox],
  need: { accounts: 1 },
  data: large,
  isLong: true,
  cases: [start, memory],
}
