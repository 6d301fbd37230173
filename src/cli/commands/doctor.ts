import { Flags } from '@oclif/core'
import { BaseCommand } from '../base-command.ts'
import type { CrashRound } from '../doctor/crash-test.ts'
import type { Finding } from '../doctor/finding.ts'
import { onInterrupt, setExitCode } from '../exit.ts'

const ROUNDS = 5

interface Examined {
  readonly ok: boolean
  readonly findings?: readonly Finding[]
  readonly rounds?: readonly CrashRound[]
}

export default class Doctor extends BaseCommand {
  static override summary = 'Look for what keeps the server from working, or prove that a crash loses no mail.'
  static override description =
    `Checks the configuration, ports, data directory, disk, store, DNS and certificates. Exit code 1 when one fails.
With --crash-test a server with the same storage settings, in a directory of its own on the same disk, takes mail over SMTP and is killed in the middle of it; every message that it acknowledged must be there afterwards, once, with its bytes. Needs no server, and touches nothing of one that runs.`
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --crash-test --rounds 20']
  static override flags = {
    'crash-test': Flags.boolean({ summary: 'Kill a server in mid-traffic, and count what it had acknowledged.' }),
    rounds: Flags.integer({
      summary: `How often it is killed; ${ROUNDS} times when left out.`,
      min: 1,
      max: 10_000,
      dependsOn: ['crash-test'],
    }),
  }

  async run(): Promise<Examined> {
    const { flags } = await this.parse(Doctor)
    const config = await this.loadConfig(flags.config)
    const examined = flags['crash-test'] ? await this.#crash(config, flags.rounds ?? ROUNDS) : await this.#look(config)
    if (!examined.ok) setExitCode(1)
    return examined
  }

  async #look(config: Awaited<ReturnType<BaseCommand['loadConfig']>>): Promise<Examined> {
    const { checkSetup } = await import('../doctor/check-setup.ts')
    const { renderFinding } = await import('../doctor/render-doctor.ts')
    const findings: Finding[] = []
    for await (const finding of checkSetup(config)) {
      findings.push(finding)
      this.log(renderFinding(finding))
    }
    return { ok: findings.every(({ state }) => state !== 'failed'), findings }
  }

  async #crash(config: Awaited<ReturnType<BaseCommand['loadConfig']>>, rounds: number): Promise<Examined> {
    const { makeCrashProject } = await import('../doctor/crash-project.ts')
    const { crashTest, hasFault } = await import('../doctor/crash-test.ts')
    const { renderRound } = await import('../doctor/render-doctor.ts')
    const project = makeCrashProject(config, this.config.root)
    const stopping = new AbortController()
    const release = onInterrupt(() => stopping.abort())
    let done: readonly CrashRound[] = []
    try {
      this.log(`Killing a server in mid-traffic ${rounds} times, in ${project.directory}`)
      const onRound = (round: CrashRound) => this.log(renderRound(round))
      done = await crashTest(project, { rounds, lanes: 8, onRound, signal: stopping.signal })
    } finally {
      release()
      if (!done.some(hasFault)) project.remove()
    }
    const ok = !done.some(hasFault)
    if (ok) this.log(`Nothing that was acknowledged was lost in ${done.length} rounds.`)
    else this.log(`MAIL THAT WAS ACKNOWLEDGED IS LOST OR DAMAGED. What was found is kept in ${project.directory}`)
    return { ok, rounds: done }
  }
}
