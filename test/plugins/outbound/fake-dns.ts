import type { Dns } from 'mailserver'

export interface Zone {
  readonly mx?: readonly (readonly [priority: number, exchange: string])[]
  readonly a?: readonly string[]
  readonly aaaa?: readonly string[]
  /** Every question about the name ends so. */
  readonly fault?: string
}

/** DNS out of a table. A name that is not in it does not exist. */
export function fakeDns(zones: Readonly<Record<string, Zone>>): Dns & { readonly asked: string[] } {
  const asked: string[] = []
  const answer = async <T>(type: string, name: string, pick: (zone: Zone) => readonly T[] | undefined) => {
    asked.push(`${type} ${name}`)
    const zone = zones[name]
    const fail = (code: string) => Object.assign(new Error(`${type} ${name} ${code}`), { code })
    if (zone === undefined) throw fail('ENOTFOUND')
    if (zone.fault !== undefined) throw fail(zone.fault)
    const records = pick(zone)
    if (records === undefined || records.length === 0) throw fail('ENODATA')
    return records
  }
  return {
    asked,
    resolveMx: (name) => answer('MX', name, ({ mx }) => mx?.map(([priority, exchange]) => ({ priority, exchange }))),
    resolve4: (name) => answer('A', name, ({ a }) => a),
    resolve6: (name) => answer('AAAA', name, ({ aaaa }) => aaaa),
    resolveTxt: (name) => answer('TXT', name, () => undefined),
    reverse: (name) => answer('PTR', name, () => undefined),
  }
}
