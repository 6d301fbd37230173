import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../../support/peer.ts'
import { Daemon } from '../support/daemon.ts'
import { daemonSystem } from '../support/daemon-system.ts'
import { debianTree, versionIn } from '../support/debian-tree.ts'
import { messagesInAll } from '../support/maildir.ts'
import { needsRoot, privateRoot } from '../support/private-root.ts'
import { workspace } from '../support/workspace.ts'
import { accountsTo, addressOf, DOMAIN, type SystemKind } from '../system.ts'

const NOBODY = 65534
const EXIM = 60_103

/** Exim that delivers to Maildirs itself, at once. */
export const exim: SystemKind = {
  name: 'exim',
  unavailable: needsRoot,
  async start(need) {
    const tree = await debianTree('exim4-base', 'exim4-daemon-light')
    const space = workspace('exim')
    const { smtp } = await freePorts('smtp')
    for (const [name, owner] of [
      ['spool', EXIM],
      ['log', EXIM],
      ['mail', NOBODY],
    ] as const) {
      mkdirSync(join(space.path, name))
      chownSync(join(space.path, name), owner, owner)
    }
    const accounts = accountsTo(need.accounts)
    writeFileSync(join(space.path, 'users'), accounts.map((account) => `${account}u: ${account}u\n`).join(''))
    const prefix = privateRoot({
      tree,
      workspace: space.path,
      users: { 'Debian-exim': EXIM },
      // Only from its usual place does the file leave Exim the rights of root, which local delivery takes.
      etc: { 'exim4/exim4.conf': config(space.path, smtp) },
    })
    return daemonSystem({
      name: 'exim',
      title: `Exim ${versionIn(tree, 'exim4-base')} → Maildir`,
      durability: 'as always: fsync of the spool files before 250, and of the Maildir file',
      ports: { smtp },
      stored: async (list) => messagesInAll(list.map((account) => join(space.path, 'mail', addressOf(account)))),
      start: () =>
        Daemon.start([...prefix, '/usr/sbin/exim4', '-bdf', '-q1m'], {
          logFile: join(space.path, 'output'),
          ports: [smtp],
        }),
      remove: () => space.remove(),
    })
  },
}

/** No limit of its own holds messages back for a queue run, so that all that are taken are delivered at once. */
const config = (path: string, port: number): string => `primary_hostname = mail.${DOMAIN}
spool_directory = ${path}/spool
log_file_path = ${path}/log/%slog
pid_file_path = ${path}/spool/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
tls_advertise_hosts =
domainlist local_domains = ${DOMAIN}
acl_smtp_rcpt = take
smtp_accept_max = 200
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
never_users =
begin acl
take:
  accept
begin routers
here:
  driver = accept
  domains = +local_domains
  local_parts = lsearch;${path}/users
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = ${path}/mail/$local_part_data@${DOMAIN}
  maildir_format
  create_directory
  user = ${NOBODY}
  group = ${NOBODY}
`
