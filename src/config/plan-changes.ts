import type { ConfigDescription } from './describe-config.ts'

export type ChangeKind = 'added' | 'removed' | 'changed'

/** One difference between the running configuration and the one in the file. */
export interface ConfigChange {
  readonly kind: ChangeKind
  readonly area:
    | 'server'
    | 'plugin'
    | 'listener'
    | 'domain'
    | 'account'
    | 'alias'
    | 'limit'
    | 'queue'
    | 'dns'
    | 'tls'
    | 'provide'
    | 'onError'
  readonly name: string
  readonly from?: string
  readonly to?: string
  /** True when a reload cannot do it. */
  readonly needsRestart: boolean
}

/** What a reload would change, in the order of the config. */
export function planChanges(running: ConfigDescription, next: ConfigDescription): readonly ConfigChange[] {
  const changes: ConfigChange[] = []
  const compare = (area: ConfigChange['area'], before: Rows, after: Rows, restart = false): void => {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const from = text(before[name])
      const to = text(after[name])
      if (from === to) continue
      changes.push({
        kind: from === undefined ? 'added' : to === undefined ? 'removed' : 'changed',
        area,
        name,
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
        needsRestart: restart,
      })
    }
  }
  compare('server', { dataDir: running.dataDir }, { dataDir: next.dataDir }, true)
  compare('server', facts(running), facts(next))
  compare('plugin', plugins(running), plugins(next))
  compare('listener', listeners(running), listeners(next))
  compare('domain', byName(running.domains, 'name'), byName(next.domains, 'name'))
  compare('account', byName(running.accounts, 'address'), byName(next.accounts, 'address'))
  compare('alias', running.aliases, next.aliases)
  compare('limit', running.limits, next.limits)
  compare('queue', running.queue, next.queue)
  compare('dns', running.dns, next.dns)
  compare('tls', tls(running), tls(next))
  compare('provide', running.provide, next.provide)
  compare('onError', running.onError, next.onError)
  return changes
}

type Rows = Readonly<Record<string, unknown>>

function text(value: unknown): string | undefined {
  return value === undefined || typeof value === 'string' ? value : JSON.stringify(value)
}

const tls = ({ tls: certificates, clientCa }: ConfigDescription): Rows => ({ certificates, clientCa })

const facts = ({ hostname, workers, log }: ConfigDescription): Rows => ({ hostname, workers, log })

const byName = <K extends string>(rows: readonly Readonly<Record<K, string>>[], key: K): Rows =>
  Object.fromEntries(rows.map((row) => [row[key], row]))

/** Plugins without their endpoints, which are listed by themselves. */
function plugins(config: ConfigDescription): Rows {
  return Object.fromEntries(
    config.plugins.map(({ name, version, options }) => {
      if (typeof options !== 'object' || options === null || Array.isArray(options)) return [name, { version, options }]
      const { listen: _, ...rest } = options as Readonly<Record<string, unknown>>
      return [name, { version, options: rest }]
    }),
  )
}

function listeners(config: ConfigDescription): Rows {
  return Object.fromEntries(
    config.plugins.flatMap(({ name, options }) => {
      const listen = (options as { listen?: unknown } | null)?.listen
      const endpoints = Array.isArray(listen) ? listen : listen === undefined ? [] : [listen]
      return endpoints.map((endpoint) => [`${name} ${endpoint}`, String(endpoint)])
    }),
  )
}
