import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, run, scratch, startPeer } from './peer.ts'
import { findProgram } from './programs.ts'

/** Zone to its records, one a line as in a zone file, without SOA and NS: `@ MX 10 mx`, `mx A 127.0.0.1`. */
export type Zones = Readonly<Record<string, readonly string[]>>

/** A real DNS server with zones of the test's own; it knows no others. */
export interface DnsServer extends AsyncDisposable {
  readonly port: number
  /** For `dns.servers`. */
  readonly address: string
  /** Replaces the records of a zone. */
  change(zone: string, records: readonly string[]): Promise<void>
  stop(): Promise<void>
}

/** Starts knotd in the foreground on a port of 127.0.0.1. */
export async function startDnsServer(zones: Zones): Promise<DnsServer> {
  const directory = scratch('dns')
  const port = await freePort()
  const file = (zone: string) => join(directory.path, `${zone}.zone`)
  let serial = 1
  const write = (zone: string, records: readonly string[]) =>
    writeFileSync(file(zone), zoneFile(zone, records, serial++))
  for (const [zone, records] of Object.entries(zones)) write(zone, records)
  const config = join(directory.path, 'knot.conf')
  writeFileSync(config, knotConf(directory.path, port, Object.keys(zones)))
  const first = Object.keys(zones)[0] ?? 'test'
  const knows = async () => {
    const { stdout } = await run('dig', [
      '@127.0.0.1',
      '-p',
      String(port),
      '+time=1',
      '+tries=1',
      '+short',
      first,
      'SOA',
    ])
    return stdout.includes('hostmaster')
  }
  const peer = await startPeer(findProgram('knotd') ?? 'knotd', ['-c', config], { ready: knows })
  const stop = () => peer.stop()
  return {
    port,
    address: `127.0.0.1:${port}`,
    async change(zone, records) {
      write(zone, records)
      const { code, stderr } = await run('knotc', ['-c', config, '-b', 'zone-reload', zone])
      if (code !== 0) throw new Error(`knotd did not read ${zone} again: ${stderr}`)
    },
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop()
      directory[Symbol.dispose]()
    },
  }
}

function zoneFile(zone: string, records: readonly string[], serial: number): string {
  return [
    `$ORIGIN ${zone}.`,
    '$TTL 0',
    `@ SOA ns hostmaster ${serial} 60 60 60 0`,
    '@ NS ns',
    'ns A 127.0.0.1',
    ...records,
    '',
  ].join('\n')
}

function knotConf(directory: string, port: number, zones: readonly string[]): string {
  return [
    'server:',
    `  listen: 127.0.0.1@${port}`,
    `  rundir: ${directory}`,
    '  udp-workers: 1',
    '  tcp-workers: 1',
    '  background-workers: 1',
    'log:',
    '- target: stdout',
    '  any: warning',
    'database:',
    `  storage: ${directory}/db`,
    'template:',
    '- id: default',
    `  storage: ${directory}`,
    '  file: "%s.zone"',
    '  zonefile-sync: -1',
    '  journal-content: none',
    '  semantic-checks: off',
    'zone:',
    ...zones.map((zone) => `- domain: ${zone}`),
    '',
  ].join('\n')
}
