import { byFirstDate, firstOf, type ThreadMessage, type ThreadNode } from './message-tree.ts'

class Container implements ThreadNode {
  message: ThreadMessage | undefined
  parent: Container | undefined
  children: Container[] = []
  /** Latest message of its thread, for REFS. */
  latest = 0
}

export interface ReferencesOptions {
  /** Threads of one base subject become one (RFC 5256 section 3, step 5); REFS leaves them apart. */
  readonly mergesSubjects: boolean
}

/** REFERENCES (RFC 5256 section 3), and REFS, which does not look at subjects and puts the thread with the latest message last. */
export function byReferences(messages: readonly ThreadMessage[], options: ReferencesOptions): readonly ThreadNode[] {
  const roots = prune(linked(messages))
  const threads = options.mergesSubjects ? merged(roots) : roots
  if (!options.mergesSubjects) for (const thread of threads) thread.latest = latestOf(thread)
  sortTree(threads)
  return options.mergesSubjects ? threads : threads.sort((a, b) => a.latest - b.latest)
}

/** Step 1 and 2: every message with the nearest that it refers to for its parent. @returns those without one */
function linked(messages: readonly ThreadMessage[]): Container[] {
  const byId = new Map<string, Container>()
  const all: Container[] = []
  const containerFor = (id: string): Container => {
    let container = byId.get(id)
    if (container === undefined) {
      container = new Container()
      byId.set(id, container)
      all.push(container)
    }
    return container
  }
  for (const message of messages) {
    // A Message-ID that another has already is none (RFC 5256 section 3, step 1).
    const taken = message.messageId === undefined ? undefined : byId.get(message.messageId)
    const isOwn = message.messageId !== undefined && taken?.message === undefined
    const container = isOwn ? containerFor(message.messageId as string) : new Container()
    if (!isOwn) all.push(container)
    container.message = message
    let parent: Container | undefined
    for (const id of message.references) {
      const referred = containerFor(id)
      if (parent !== undefined && referred.parent === undefined && !isAbove(referred, parent)) adopt(parent, referred)
      parent = referred
    }
    // What others thought of its place counts no more: its own references say it, also when it has none.
    leave(container)
    if (parent !== undefined && !isAbove(container, parent)) adopt(parent, container)
  }
  return all.filter(({ parent }) => parent === undefined)
}

function adopt(parent: Container, child: Container): void {
  child.parent = parent
  parent.children.push(child)
}

function leave(child: Container): void {
  const { parent } = child
  if (parent === undefined) return
  parent.children.splice(parent.children.indexOf(child), 1)
  child.parent = undefined
}

/** Is `above` the same as `below` or one of those above it? Then to put it under `below` would close a circle. */
function isAbove(above: Container, below: Container): boolean {
  for (let at: Container | undefined = below; at !== undefined; at = at.parent) if (at === above) return true
  return false
}

/** Step 3: places without a message go, and what stood under them moves up; at the top a place with several stays. */
function prune(roots: Container[]): Container[] {
  const order = inOrder(roots)
  // From the leaves up: what is under a place is done before the place itself.
  for (const container of order.reverse()) {
    container.children = container.children.flatMap((child) => (child.message === undefined ? child.children : [child]))
  }
  return roots.flatMap((root) => {
    if (root.message !== undefined) return [root]
    return root.children.length > 1 ? [root] : root.children
  })
}

function inOrder(roots: readonly Container[]): Container[] {
  const order: Container[] = []
  const open = [...roots]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    order.push(at)
    open.push(...at.children)
  }
  return order
}

/** Step 5: threads whose first messages have one base subject. */
function merged(roots: readonly Container[]): Container[] {
  const bySubject = new Map<string, Container>()
  for (const root of roots) {
    const first = firstOf(root)
    if (first === undefined || first.baseSubject === '') continue
    const known = bySubject.get(first.baseSubject)
    const knownFirst = known === undefined ? undefined : firstOf(known)
    const isBetter =
      known === undefined ||
      (root.message === undefined && known.message !== undefined) ||
      (knownFirst?.isReply === true && !first.isReply && (root.message === undefined) === (known.message === undefined))
    if (isBetter) bySubject.set(first.baseSubject, root)
  }
  const gone = new Set<Container>()
  const added: Container[] = []
  for (const root of roots) {
    const first = firstOf(root)
    const into = first === undefined ? undefined : bySubject.get(first.baseSubject)
    if (first === undefined || into === undefined || into === root) continue
    gone.add(root)
    join(into, root, first, bySubject, gone, added)
  }
  return [...roots, ...added].filter((root) => !gone.has(root))
}

function join(
  into: Container,
  root: Container,
  first: ThreadMessage,
  bySubject: Map<string, Container>,
  gone: Set<Container>,
  added: Container[],
): void {
  if (into.message === undefined && root.message === undefined) {
    for (const child of root.children) adopt(into, child)
  } else if (into.message === undefined || (first.isReply && !into.message.isReply)) adopt(into, root)
  else {
    // Two of equal standing: a place above both.
    const above = new Container()
    gone.add(into)
    adopt(above, into)
    adopt(above, root)
    bySubject.set(first.baseSubject, above)
    added.push(above)
  }
}

/** Steps 4 and 6: answers by date, and threads by the date of their first message. */
function sortTree(threads: Container[]): void {
  for (const container of inOrder(threads).reverse()) container.children.sort(byFirstDate)
  threads.sort(byFirstDate)
}

function latestOf(thread: Container): number {
  return inOrder([thread]).reduce((latest, { message }) => Math.max(latest, message?.sentAt ?? 0), 0)
}
