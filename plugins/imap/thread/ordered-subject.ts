import { byDate, byFirstDate, type ThreadMessage, type ThreadNode } from './message-tree.ts'

/** ORDEREDSUBJECT (RFC 5256 section 3): messages of one base subject, all answers to the earliest. */
export function orderedSubject(messages: readonly ThreadMessage[]): readonly ThreadNode[] {
  const bySubject = new Map<string, ThreadMessage[]>()
  for (const message of messages) {
    const same = bySubject.get(message.baseSubject)
    if (same === undefined) bySubject.set(message.baseSubject, [message])
    else same.push(message)
  }
  return [...bySubject.values()]
    .map((same): ThreadNode => {
      const [first, ...rest] = same.sort(byDate)
      return { message: first, children: rest.map((message) => ({ message, children: [] })) }
    })
    .sort(byFirstDate)
}
