import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts, run } from '../../support/peer.ts'
import { certificate } from '../support/certificate.ts'
import { Daemon } from '../support/daemon.ts'
import { daemonSystem } from '../support/daemon-system.ts'
import { debianTree, programIn, versionIn } from '../support/debian-tree.ts'
import { workspace } from '../support/workspace.ts'
import { accountsTo, addressOf, DOMAIN, type Need, PASSWORD, type SystemKind } from '../system.ts'
import { startDovecot, unavailable } from './dovecot.ts'

/** chasquid, which has no mailboxes: it runs a program that hands each message to Dovecot's LMTP server. */
export const chasquid: SystemKind = {
  name: 'chasquid',
  unavailable,
  async start(need) {
    const tree = await debianTree('chasquid')
    const dovecot = await startDovecot(need, { name: 'dovecot-lmtp', storage: 'maildir', mode: 'fast' })
    const space = workspace('chasquid')
    const remove = async () => {
      await dovecot[Symbol.asyncDispose]()
      space.remove()
    }
    const { smtp } = await freePorts('smtp')
    const program = programIn(tree, 'usr/bin/chasquid')
    return daemonSystem({
      name: 'chasquid',
      title: `chasquid ${versionIn(tree, 'chasquid')} → ${dovecot.title}, LMTP`,
      durability: 'none of what it accepts (its queue is not synced); fsync of the Maildir file by Dovecot',
      ports: { smtp },
      stored: (accounts) => dovecot.stored(accounts),
      pids: () => dovecot.pids(),
      async start() {
        await configure(space.path, tree, { port: smtp, socket: dovecot.lmtpSocket, need })
        return Daemon.start([program, `--config_dir=${space.path}`], {
          logFile: join(space.path, 'output'),
          ports: [smtp],
        })
      },
      remove,
    })
  },
}

interface Setting {
  readonly port: number
  readonly socket: string
  readonly need: Need
}

async function configure(path: string, tree: string, { port, socket, need }: Setting): Promise<void> {
  const domain = join(path, 'domains', DOMAIN)
  const certificates = join(path, 'certs', `mail.${DOMAIN}`)
  for (const one of [domain, certificates, join(path, 'data')]) mkdirSync(one, { recursive: true })
  const { certFile, keyFile } = await certificate(path)
  copyFileSync(certFile, join(certificates, 'fullchain.pem'))
  copyFileSync(keyFile, join(certificates, 'privkey.pem'))
  writeFileSync(
    join(path, 'chasquid.conf'),
    `hostname: "mail.${DOMAIN}"
smtp_address: "127.0.0.1:${port}"
data_dir: "${path}/data"
mail_delivery_agent_bin: "${programIn(tree, 'usr/bin/mda-lmtp')}"
mail_delivery_agent_args: "--addr=${socket}"
mail_delivery_agent_args: "-f"
mail_delivery_agent_args: "%from%"
mail_delivery_agent_args: "-d"
mail_delivery_agent_args: "%to%"
mail_log_path: "${path}/log"
`,
  )
  const { code, stderr } = await run(programIn(tree, 'usr/bin/chasquid-util'), [
    ...[`--configdir=${path}`, `--password=${PASSWORD}`, 'user-add', addressOf(1)],
  ])
  if (code !== 0) throw new Error(`chasquid-util: ${stderr}`)
  const file = join(domain, 'users')
  const one = readFileSync(file, 'utf8')
  // One password for all: making each its own would take longer than everything else.
  writeFileSync(
    file,
    accountsTo(need.accounts)
      .map((account) => one.replace('"1u"', `"${account}u"`))
      .join(''),
  )
}
