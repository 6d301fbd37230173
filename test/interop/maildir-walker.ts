import { setTimeout as sleep } from 'node:timers/promises'
import type { FetchMessageObject, ImapFlow } from 'imapflow'

export const FOLDERS = ['INBOX', 'Archive', 'Lists'] as const
export const FLAGS = ['\\Seen', '\\Flagged', '\\Answered', '\\Draft', 'K0', 'K1', 'K2', 'K3', '$Label1'] as const
/** So long a message that was moved or taken away is left alone by others, who may not have heard of it. */
const CALM_MS = 1_500

export const octetsOf = (name: string): string =>
  `From: a@example.test\r\nSubject: ${name}\r\n\r\nbody of ${name}\r\n${'x'.repeat((name.length * 97) % 900)}\r\n`

/** What may become of a message, by the first letter of its name. */
type Kind = 'moved' | 'copied' | 'expunged'

/** What was acknowledged of one message. */
export interface Known {
  readonly kind: Kind
  /** Where it came to. */
  readonly folders: Set<string>
  min: number
  max: number
  busyUntil: number
}

/** What all people of both servers know together. */
export class Walk {
  readonly known = new Map<string, Known>()
  /** What our server has said a UID is, by mailbox, UIDVALIDITY and UID. */
  readonly uids = new Map<string, string>()
  readonly wrong: string[] = []
  readonly done: string[] = []
  readonly below: (limit: number) => number

  constructor(below: (limit: number) => number) {
    this.below = below
  }

  pick<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T
  }

  flags(): string[] {
    return FLAGS.filter(() => this.below(4) === 0)
  }

  add(name: string, kind: Kind): Known {
    const known = { kind, folders: new Set<string>(), min: 0, max: 1, busyUntil: Infinity }
    this.known.set(name, known)
    return known
  }
}

/** One person with a session of one of the servers. */
export class Walker {
  readonly #walk: Walk
  readonly #connect: () => Promise<ImapFlow>
  #client: ImapFlow
  readonly #id: string
  readonly #isOurs: boolean
  #made = 0
  /** The message that only this one works on. */
  #busy: Known | undefined
  #folders: string[] = []

  private constructor(walk: Walk, connect: () => Promise<ImapFlow>, client: ImapFlow, id: string, isOurs: boolean) {
    this.#walk = walk
    this.#connect = connect
    this.#client = client
    this.#id = id
    this.#isOurs = isOurs
  }

  static async start(walk: Walk, connect: () => Promise<ImapFlow>, id: string, isOurs: boolean): Promise<Walker> {
    return new Walker(walk, connect, await connect(), id, isOurs)
  }

  async end(): Promise<void> {
    await this.#client.logout().catch(() => {})
  }

  async walk(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      try {
        await this.#step(this.#walk.below(20))
      } catch (error) {
        if (this.#isLate(error)) continue
        if (!this.#isOurs && !this.#client.usable) {
          // Dovecot 2.3.19 now and then ends by a segmentation fault when a message goes while it is moved.
          this.#done(`has lost its connection: ${error}`)
          this.#client = await this.#connect()
          continue
        }
        const { responseText, serverResponseCode } = error as { responseText?: string; serverResponseCode?: string }
        this.#walk.wrong.push(`${this.#id}: ${(error as Error).stack} ${serverResponseCode} ${responseText}`)
        this.#done(`failed: ${error} ${responseText ?? ''}`)
        return
      }
      await sleep(this.#walk.below(30))
    }
  }

  /** Others were quicker (RFC 2180 section 4.1): what was to be done was done to none. */
  #isLate(error: unknown): boolean {
    if ((error as { responseText?: string }).responseText !== 'Some of the messages are gone') return false
    if (this.#busy !== undefined) this.#busy.busyUntil = Date.now() + CALM_MS
    this.#busy = undefined
    return true
  }

  async #step(choice: number): Promise<void> {
    if (choice < 6) await this.#append(this.#walk.pick(FOLDERS))
    else if (choice < 18) await this.#change(this.#walk.pick(FOLDERS))
    else await this.#changeFolders()
  }

  async #append(folder: string): Promise<void> {
    const kind = this.#walk.pick(['moved', 'copied', 'expunged'] as const)
    const name = `${kind}-${this.#id}-${this.#made++}`
    const known = this.#walk.add(name, kind)
    const appended = await this.#client.append(folder, octetsOf(name), this.#walk.flags())
    if (!appended) throw new Error(`${this.#id} could not append ${name} to ${folder}`)
    known.min = 1
    known.folders.add(folder)
    known.busyUntil = Date.now()
    this.#done(`append ${name} to ${folder} as ${appended.uid}`)
    if (this.#isOurs) this.#note(folder, appended.uidValidity, appended.uid, name)
  }

  async #change(folder: string): Promise<void> {
    const { exists, uidValidity } = await this.#client.mailboxOpen(folder)
    if (exists === 0) return
    const messages: FetchMessageObject[] = []
    for await (const message of this.#client.fetch('1:*', { uid: true, flags: true, envelope: true })) {
      // A flag that changed in this moment may be told of alone.
      if (message.uid === undefined || message.envelope === undefined) continue
      messages.push(message)
      if (this.#isOurs) this.#note(folder, uidValidity, message.uid, message.envelope.subject ?? '')
    }
    if (messages.length === 0) return
    for (let round = 1 + this.#walk.below(4); round > 0; round--)
      await this.#changeOne(folder, this.#walk.pick(messages))
  }

  async #changeOne(folder: string, { uid, envelope }: FetchMessageObject): Promise<void> {
    const name = envelope?.subject ?? ''
    const known = this.#walk.known.get(name)
    const range = String(uid)
    const options = { uid: true } as const
    const isTaken = known === undefined || known.busyUntil > Date.now()
    if (this.#walk.below(3) > 0 || isTaken) {
      const flags = this.#walk.flags()
      if (flags.length === 0) return
      const isAdd = this.#walk.below(2) === 0
      if (isAdd) await this.#client.messageFlagsAdd(range, flags, options)
      else await this.#client.messageFlagsRemove(range, flags, options)
      this.#done(`${isAdd ? '+' : '-'}flags ${flags} of ${name} in ${folder} ${uid}`)
      return
    }
    known.busyUntil = Infinity
    this.#busy = known
    const others = FOLDERS.filter((one) => one !== folder)
    if (known.kind === 'moved') {
      const to = this.#walk.pick(others)
      // Dovecot's MOVE copies and then expunges by UID: where the UID changes between the two, the message is in both.
      if (!this.#isOurs) known.max += 1
      const moved = await this.#client.messageMove(range, to, options)
      this.#done(`move ${name} ${folder} ${uid} to ${to}: ${moved ? [...(moved.uidMap ?? [])] : 'no'}`)
    } else if (known.kind === 'copied') {
      known.max += 1
      const to = this.#walk.pick(others)
      const copied = await this.#client.messageCopy(range, to, options)
      const count = copied ? (copied.uidMap?.size ?? 0) : 0
      // Dovecot's copy has the name of what it copies. Where that is in the folder already, and its UID has just changed,
      // the two are one file by two names, which is one message.
      if (this.#isOurs || !known.folders.has(to)) known.min += count
      known.folders.add(to)
      // What was not there to be copied is told by an answer without UIDs.
      if (count === 0) known.max -= 1
      this.#done(`copy ${name} ${folder} ${uid} to ${to}: ${copied ? [...(copied.uidMap ?? [])] : 'no'}`)
    } else {
      known.min = 0
      await this.#client.messageDelete(range, options)
      // With a UID that it has not any more, nothing was expunged; under its new one a session sees it that comes anew.
      await this.#client.mailboxClose()
      await this.#client.mailboxOpen(folder)
      const left = await this.#client.search({ header: { subject: name } })
      const isGone = left !== false && left.length === 0
      if (isGone) known.max = 0
      this.#done(`expunge ${name} ${folder} ${uid}: ${isGone}`)
    }
    known.busyUntil = Date.now() + CALM_MS
    this.#busy = undefined
  }

  async #changeFolders(): Promise<void> {
    const choice = this.#walk.below(3)
    if (choice === 0 || this.#folders.length === 0) {
      const folder = `Box/${this.#id}-${this.#made++}`
      await this.#client.mailboxCreate(folder)
      this.#folders.push(folder)
      this.#done(`create ${folder}`)
      await this.#append(folder)
      return
    }
    const at = this.#walk.below(this.#folders.length)
    const folder = this.#folders[at] as string
    if (choice === 1) {
      const to = `Box/${this.#id}-${this.#made++}`
      await this.#client.mailboxRename(folder, to)
      this.#folders[at] = to
      this.#done(`rename ${folder} to ${to}`)
      return
    }
    this.#folders.splice(at, 1)
    const inside = await this.#names(folder)
    for (const name of inside) Object.assign(this.#walk.known.get(name) ?? {}, { min: 0, busyUntil: Infinity })
    await this.#client.mailboxDelete(folder)
    for (const name of inside) Object.assign(this.#walk.known.get(name) ?? {}, { max: 0 })
    this.#done(`delete ${folder}`)
  }

  async #names(folder: string): Promise<string[]> {
    const names: string[] = []
    const { exists } = await this.#client.mailboxOpen(folder)
    if (exists > 0) {
      for await (const { envelope } of this.#client.fetch('1:*', { envelope: true }))
        names.push(envelope?.subject ?? '')
    }
    await this.#client.mailboxClose()
    return names
  }

  #note(folder: string, uidValidity: bigint | undefined, uid: number | undefined, name: string): void {
    if (folder.startsWith('Box/') || uid === undefined) return
    const at = `${folder} ${uidValidity} ${uid}`
    const before = this.#walk.uids.get(at)
    if (before !== undefined && before !== name) this.#walk.wrong.push(`UID ${at} was ${before} and is ${name}`)
    this.#walk.uids.set(at, name)
  }

  #done(what: string): void {
    this.#walk.done.push(`${new Date().toISOString().slice(17)} ${this.#id}: ${what}`)
  }
}

/** Everything that a server shows: `<mailbox> <name> <flags>: <body>`, and the UIDs of each. */
export async function viewOf(client: ImapFlow): Promise<{ lines: string[]; uids: string[] }> {
  const lines: string[] = []
  const uids: string[] = []
  for (const { path, flags } of await client.list()) {
    if (flags.has('\\NonExistent') || flags.has('\\Noselect')) continue
    if (!FOLDERS.includes(path as (typeof FOLDERS)[number]) && !path.startsWith('Box/')) continue
    lines.push(path)
    const { exists } = await client.mailboxOpen(path).catch((error) => {
      throw new Error(`${path}: ${error.responseText ?? error}`)
    })
    if (exists === 0) continue
    for await (const { uid, flags, source } of client.fetch('1:*', { uid: true, flags: true, source: true })) {
      const text = source?.toString('latin1') ?? ''
      const name = /^Subject: (.*)\r$/m.exec(text)?.[1] ?? text
      const isWhole = text === octetsOf(name)
      const all = [...(flags ?? [])].filter((flag) => flag !== '\\Recent').sort()
      lines.push(`${path} ${name} (${all.join(' ')})${isWhole ? '' : ' is not what it was'}`)
      uids.push(`${path} ${uid} ${name}`)
    }
  }
  return { lines: lines.sort(), uids: uids.sort() }
}
