import type { Figure } from '../figure.ts'
import { smtpSource } from '../load/smtp-source.ts'
import { chasquid } from '../peers/chasquid.ts'
import { exim } from '../peers/exim.ts'
import { haraka } from '../peers/haraka.ts'
import { opensmtpd } from '../peers/opensmtpd.ts'
import { postfixMaildir } from '../peers/postfix.ts'
import { postfixLmtp } from '../peers/postfix-lmtp.ts'
import type { Case, Measured, Scenario } from '../scenario.ts'
import { cpuMs } from '../support/process-tree.ts'
import { until } from '../support/until.ts'
import { warmUpSmtp } from '../support/warm-up-smtp.ts'
import { accountsTo, addressOf, type System } from '../system.ts'

interface Shape {
  readonly name: string
  readonly title: string
  readonly bytes: number
  readonly sessions: number
  readonly reuse: boolean
  readonly mailboxes: number
}

const ALL_ACCOUNTS = 1000
/** Peers that are far behind show it in one case. */
const OTHERS = ['haraka', 'opensmtpd', 'exim', 'chasquid']
const MAIN = ['postfix-maildir', 'postfix-lmtp']
const WARM_UP = 100
const SETTLE_MS = 120_000

/** Messages a second of the last run, by system and case: how many to send in the next so that it lasts as long as it should. */
const pace = new Map<string, number>()

const cpuFigure: Figure = {
  key: 'cpu',
  title: 'CPU a message',
  unit: 'ms',
  better: 'less',
  bars: [{ peer: 'postfix-maildir', floor: 2.4, goal: 6 }],
}

function deliveryCase(shape: Shape, floor: number, goal: number, more: Partial<Case> = {}): Case {
  const rate: Figure = {
    key: 'rate',
    title: 'messages stored',
    unit: 'messages/s',
    better: 'more',
    bars: [
      { peer: 'postfix-maildir', floor, goal },
      { peer: 'postfix-lmtp', floor: 4, goal: 8 },
    ],
  }
  return {
    name: shape.name,
    title: shape.title,
    figures: shape.bytes < 10_000 ? [rate, cpuFigure] : [rate],
    peers: MAIN,
    run: (system, { targetMs }) => deliver(system, shape, targetMs),
    ...more,
  }
}

/** Sends for about `targetMs`, and counts when everything is in the mailboxes, whatever was acknowledged before. */
async function deliver(system: System, shape: Shape, targetMs: number): Promise<Measured> {
  const { smtp } = system.ports
  if (smtp === undefined) throw new Error('it has no SMTP port')
  const accounts = accountsTo(shape.mailboxes)
  const send = async (messages: number): Promise<Measured> => {
    const before = await system.stored(accounts)
    const cpuBefore = cpuMs(system.pids())
    const began = performance.now()
    await smtpSource({
      ...shape,
      port: smtp,
      messages,
      to: shape.mailboxes === 1 ? addressOf(1) : shape.mailboxes,
    })
    const measured = () => ({
      rate: messages / ((performance.now() - began) / 1000),
      cpu: (cpuMs(system.pids()) - cpuBefore) / messages,
    })
    let figures = measured()
    const isStored = async () => (await system.stored(accounts)) >= before + messages
    if (system.storesWithReply !== true || !(await isStored())) {
      await until(isStored, SETTLE_MS)
      figures = measured()
    }
    const got = (await system.stored(accounts)) - before
    if (got !== messages) throw new Error(`${messages} messages were sent, and ${got} are stored`)
    return figures
  }
  const key = `${system.name} ${shape.name}`
  const expected = pace.get(key) ?? (await send(WARM_UP)).rate ?? 0
  const messages = Math.min(20_000, Math.max(WARM_UP, Math.round((expected * targetMs) / 1000)))
  const measured = await send(roundTo(messages, shape.mailboxes))
  pace.set(key, measured.rate ?? expected)
  return measured
}

/** With many mailboxes, each gets as many as the others. */
const roundTo = (messages: number, mailboxes: number): number =>
  Math.max(1, Math.round(messages / mailboxes)) * mailboxes

const shape = (kb: number, sessions: number, reuse: boolean, mailboxes = 1): Shape => ({
  name: `${kb}k-${sessions}-${reuse ? 'reuse' : 'conn'}${mailboxes === 1 ? '' : `-to-${mailboxes}`}`,
  title: `${kb} KB, ${sessions} session${sessions === 1 ? '' : 's'}, ${reuse ? 'reused' : 'a connection a message'}${mailboxes === 1 ? '' : `, to ${mailboxes} mailboxes`}`,
  bytes: kb * 1000,
  sessions,
  reuse,
  mailboxes,
})

export const delivery: Scenario = {
  name: 'delivery',
  about:
    'Messages from smtp-source into mailboxes, counted when they are in the store. CPU is the processor time of all processes of the server.',
  peers: [postfixMaildir, postfixLmtp],
  quickPeers: ['postfix-maildir'],
  need: { accounts: ALL_ACCOUNTS },
  prepare: (system, effort) => warmUpSmtp(system, effort, addressOf(2), { withConnections: true }),
  cases: [
    deliveryCase(shape(2, 10, true), 2, 4),
    deliveryCase(shape(2, 10, false), 1.5, 3),
    deliveryCase(shape(2, 1, true), 1.5, 2.5),
    deliveryCase(shape(2, 1, false), 1.5, 2.5, { peers: ['postfix-maildir'], isLong: true }),
    deliveryCase(shape(2, 50, true), 2, 4, { peers: ['postfix-maildir'], isLong: true }),
    deliveryCase(shape(2, 50, false), 1.5, 3, { peers: ['postfix-maildir'], isLong: true }),
    deliveryCase(shape(50, 1, true), 1.5, 3, { peers: ['postfix-maildir'], isLong: true }),
    deliveryCase(shape(50, 10, true), 1.5, 3),
    deliveryCase(shape(50, 10, false), 1.5, 3, { peers: ['postfix-maildir'], isLong: true }),
    deliveryCase(shape(50, 50, true), 1.5, 3, { peers: ['postfix-maildir'], isLong: true }),
    deliveryCase(shape(2, 10, true, ALL_ACCOUNTS), 2, 4, { peers: ['postfix-maildir'], isLong: true }),
  ],
}

/** Apart from the rest: some of them go on delivering for minutes what they have accepted. */
export const deliveryOthers: Scenario = {
  ...delivery,
  name: 'delivery-others',
  peers: [haraka, opensmtpd, exim, chasquid],
  isLong: true,
  cases: [deliveryCase(shape(2, 10, true), 2, 4, { peers: OTHERS })],
}
