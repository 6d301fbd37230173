/** A message, or the place of one that is not there, and the answers to it. */
export interface ThreadNode {
  /** Undefined for a message that only others refer to. */
  readonly message: ThreadMessage | undefined
  children: ThreadNode[]
}

export interface ThreadMessage {
  /** Sequence number or UID, as it is told. */
  readonly number: number
  /** Milliseconds since the epoch: the Date field, or arrival. */
  readonly sentAt: number
  /** Compared without case. */
  readonly baseSubject: string
  readonly isReply: boolean
  readonly messageId: string | undefined
  /** Identifiers that it refers to, the oldest first. */
  readonly references: readonly string[]
}

/** By date, then by number (RFC 5256 section 2.2). */
export function byDate(a: ThreadMessage, b: ThreadMessage): number {
  return a.sentAt - b.sentAt || a.number - b.number
}

/** The first message of a thread: its own, or that of the first answer. */
export function firstOf(node: ThreadNode): ThreadMessage | undefined {
  let at: ThreadNode | undefined = node
  while (at !== undefined && at.message === undefined) at = at.children[0]
  return at?.message
}

/** By the dates of their first messages. */
export function byFirstDate(a: ThreadNode, b: ThreadNode): number {
  const [left, right] = [firstOf(a), firstOf(b)]
  return left === undefined || right === undefined ? 0 : byDate(left, right)
}

/** Threads as THREAD tells them (RFC 5256 section 5): `(2)(3 6 (4 23)(44 7 96))`. However deep, without recursion. */
export function formatThreads(threads: readonly ThreadNode[]): string {
  const parts: string[] = []
  type Step = { readonly node: ThreadNode; readonly opens: boolean } | ')'
  const steps: Step[] = [...threads].reverse().map((node) => ({ node, opens: true }))
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    if (step === ')') {
      parts.push(')')
      continue
    }
    const { node, opens } = step
    if (opens) {
      parts.push('(')
      steps.push(')')
    }
    if (node.message !== undefined) parts.push(opens ? `${node.message.number}` : ` ${node.message.number}`)
    const [only, ...more] = node.children
    if (only === undefined) continue
    if (more.length === 0 && node.message !== undefined) {
      steps.push({ node: only, opens: false })
      continue
    }
    if (node.message !== undefined) parts.push(' ')
    for (const child of [...node.children].reverse()) steps.push({ node: child, opens: true })
  }
  return parts.join('')
}
