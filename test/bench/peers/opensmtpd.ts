import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../../support/peer.ts'
import { Daemon } from '../support/daemon.ts'
import { daemonSystem } from '../support/daemon-system.ts'
import { debianTree, versionIn } from '../support/debian-tree.ts'
import { messagesInAll } from '../support/maildir.ts'
import { needsRoot, privateRoot } from '../support/private-root.ts'
import { workspace } from '../support/workspace.ts'
import { DOMAIN, type SystemKind } from '../system.ts'

const NOBODY = 65534

/** OpenSMTPD that delivers to Maildirs itself. */
export const opensmtpd: SystemKind = {
  name: 'opensmtpd',
  unavailable: needsRoot,
  async start() {
    const tree = await debianTree('opensmtpd')
    const space = workspace('opensmtpd')
    const { smtp } = await freePorts('smtp')
    const mail = join(space.path, 'mail')
    mkdirSync(mail)
    chownSync(mail, NOBODY, NOBODY)
    writeFileSync(join(space.path, 'smtpd.conf'), config(mail, smtp))
    chmodSync(join(space.path, 'smtpd.conf'), 0o600)
    const prefix = privateRoot({ tree, workspace: space.path, users: { opensmtpd: 60_101, opensmtpq: 60_102 } })
    return daemonSystem({
      name: 'opensmtpd',
      title: `OpenSMTPD ${versionIn(tree, 'opensmtpd')} → Maildir`,
      durability: 'one fsync a message, of the Maildir file; none of the queue file before 250',
      ports: { smtp },
      stored: async (list) => messagesInAll(list.map((account) => join(mail, `${account}u`))),
      start: () =>
        Daemon.start([...prefix, '/usr/sbin/smtpd', '-d', '-f', join(space.path, 'smtpd.conf')], {
          logFile: join(space.path, 'output'),
          ports: [smtp],
        }),
      remove: () => space.remove(),
    })
  },
}

/** Limits for one client are lifted: all load comes from one. */
const config = (mail: string, port: number): string => `table people { "@" = "nobody" }
table bases { "nobody" = "${NOBODY}:${NOBODY}:${mail}" }
smtp limit max-mails 1000000
listen on 127.0.0.1 port ${port} hostname mail.${DOMAIN}
action "here" maildir "${mail}/%{rcpt.user}" userbase <bases> virtual <people>
match from any for domain "${DOMAIN}" action "here"
`
