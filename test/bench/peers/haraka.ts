import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts, run } from '../../support/peer.ts'
import { cached } from '../support/cache.ts'
import { Daemon } from '../support/daemon.ts'
import { daemonSystem } from '../support/daemon-system.ts'
import { workspace } from '../support/workspace.ts'
import { DOMAIN, type SystemKind } from '../system.ts'
import { startDovecot, unavailable } from './dovecot.ts'

const VERSION = '3.3.4'
/** Versions that Haraka's own ask for, where the newest of them ask for others that no registry has. */
const OVERRIDES = { 'encoding-japanese': '^2.2.0', libqp: '^2.1.1' }

/** Haraka, which has no mailboxes: its LMTP plugin hands everything to Dovecot, through its queue. */
export const haraka: SystemKind = {
  name: 'haraka',
  unavailable,
  async start(need) {
    const modules = await installed()
    const dovecot = await startDovecot(need, { name: 'dovecot-lmtp', storage: 'maildir', mode: 'fast' })
    const space = workspace('haraka')
    const { smtp } = await freePorts('smtp')
    const config = join(space.path, 'config')
    // Its settings as they come; without their sections it does not greet.
    cpSync(join(modules, 'Haraka/config'), config, { recursive: true })
    mkdirSync(join(space.path, 'queue'))
    const files: Record<string, string> = {
      'smtp.ini': `listen=127.0.0.1:${smtp}\nnodes=0\n`,
      plugins: 'rcpt_to.in_host_list\nqueue/lmtp\n',
      host_list: `${DOMAIN}\n`,
      'lmtp.ini': `path=${dovecot.lmtpSocket}\n`,
      me: `mail.${DOMAIN}\n`,
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(config, name), text)
    return daemonSystem({
      name: 'haraka',
      title: `Haraka ${VERSION} → ${dovecot.title}, LMTP`,
      durability: 'fsync of its queue file before 250, and of the Maildir file by Dovecot',
      ports: { smtp },
      stored: (accounts) => dovecot.stored(accounts),
      pids: () => dovecot.pids(),
      start: () =>
        Daemon.start([process.execPath, join(modules, 'Haraka/bin/haraka'), '-c', space.path], {
          cwd: space.path,
          logFile: join(space.path, 'output'),
          ports: [smtp],
        }),
      async remove() {
        await dovecot[Symbol.asyncDispose]()
        space.remove()
      },
    })
  },
}

/** Its directory of packages, in the cache: it is no dependency of ours. */
async function installed(): Promise<string> {
  const path = await cached(`haraka-${VERSION}`, async (directory) => {
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ private: true, overrides: OVERRIDES }))
    const { code, stderr } = await run(
      'npm',
      ['install', '--no-audit', '--no-fund', '--ignore-scripts', `Haraka@${VERSION}`],
      { cwd: directory, timeoutMs: 300_000 },
    )
    if (code !== 0) throw new Error(`npm install Haraka: ${stderr.trim().split('\n').slice(-3).join(' ')}`)
  })
  const modules = join(path, 'node_modules')
  readFileSync(join(modules, 'Haraka/package.json'))
  return modules
}
