import { createHash } from 'node:crypto'
import { describeValue } from '../config/describe-config.ts'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import { PluginStartError, validOptions } from '../kernel/host.ts'
import type { Log } from '../kernel/log.ts'
import type { ConfiguredPlugin, ServerFacts, Supervised, SupervisorHost } from '../kernel/plugin.ts'
import { serverFacts } from './server-facts.ts'

interface Member {
  readonly plugin: string
  readonly key: string
  readonly supervised: Supervised
  users: number
}

/** What one generation of workers uses of the plugins' main-thread parts. */
export interface SupervisedSet {
  readonly shared: Readonly<Record<string, unknown>>
  /** A worker of this generation is about to be ended by force. Resolves when it may be. Never rejects. */
  workerEnding(worker: number): Promise<void>
  /** A worker of this generation has ended. Never rejects. */
  workerExited(worker: number): Promise<void>
  /** The generation has ended: parts that no other uses are stopped, last one first. Never rejects. */
  release(): Promise<void>
}

/**
 * The plugins' parts on the main thread. A plugin that is the same before and after a reload keeps its part, so that
 * what it holds open stays open.
 */
export class SupervisedPlugins {
  readonly #log: Log
  readonly #mode: ServerFacts['mode']
  readonly #restart: SupervisorHost<unknown>['restart']
  #members: Member[] = []

  /** @param restart absent where nothing serves */
  constructor(log: Log, restart?: SupervisorHost<unknown>['restart']) {
    this.#log = log
    this.#mode = restart === undefined ? 'offline' : 'serve'
    this.#restart = restart ?? (() => {})
  }

  /** What plugins want an operator to look at. */
  get problems(): readonly string[] {
    return this.#members.flatMap(({ plugin, supervised }) => {
      try {
        return supervised.problems?.() ?? []
      } catch (err) {
        this.#log.error({ plugin, err }, 'a plugin failed to say what its problems are')
        return []
      }
    })
  }

  /** @throws PluginStartError when one fails; those it opened before are closed again */
  async open(config: ResolvedConfig, plugins: readonly ConfiguredPlugin[]): Promise<SupervisedSet> {
    const used: Member[] = []
    try {
      for (const plugin of plugins) {
        if (plugin.spec.supervise !== undefined) used.push(await this.#member(config, plugin))
      }
    } catch (error) {
      await this.#release(used)
      throw error
    }
    return {
      shared: Object.fromEntries(used.map(({ plugin, supervised }) => [plugin, supervised.shared])),
      // All in one turn: the worker's number may be another's in a later one.
      workerEnding: async (worker) => {
        await Promise.all(
          used.map(({ plugin, supervised }) =>
            this.#guarded(plugin, 'before a worker was ended', () => supervised.workerEnding?.(worker)),
          ),
        )
      },
      workerExited: async (worker) => {
        for (const { plugin, supervised } of used) {
          await this.#guarded(plugin, 'after a worker ended', () => supervised.workerExited?.(worker))
        }
      },
      release: () => this.#release(used),
    }
  }

  async #member(config: ResolvedConfig, plugin: ConfiguredPlugin): Promise<Member> {
    const options = await validOptions(plugin)
    const facts = serverFacts(config, this.#mode)
    const key = digestOf({ version: plugin.version, dataDir: facts.dataDir, options })
    const open = this.#members.find((member) => member.plugin === plugin.name && member.key === key)
    if (open !== undefined) {
      open.users++
      return open
    }
    try {
      const log = this.#log.child({ plugin: plugin.name })
      const restart = this.#restart
      const supervised: Supervised = (await plugin.spec.supervise?.({ options, server: facts, log, restart })) ?? {}
      const member = { plugin: plugin.name, key, supervised, users: 1 }
      this.#members.push(member)
      return member
    } catch (cause) {
      throw new PluginStartError(plugin.name, 'start', cause)
    }
  }

  async #release(used: readonly Member[]): Promise<void> {
    for (const member of used.toReversed()) {
      member.users--
      if (member.users > 0) continue
      this.#members = this.#members.filter((other) => other !== member)
      await this.#guarded(member.plugin, 'to stop', () => member.supervised.stop?.())
    }
  }

  async #guarded(plugin: string, what: string, fn: () => unknown): Promise<void> {
    try {
      await fn()
    } catch (err) {
      this.#log.error({ plugin, err }, `a plugin failed ${what}`)
    }
  }
}

function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(describeValue(value)))
    .digest('hex')
}
