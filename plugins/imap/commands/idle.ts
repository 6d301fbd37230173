import { command, LOGGED_IN, noArguments } from '../command.ts'
import { bad, ok } from '../completion.ts'
import type { Session } from '../session.ts'
import { tellSelected } from '../tell-selected.ts'

/** RFC 2177: what happens is told when it happens, until DONE, which may come in one packet with the next command. */
export const idle = command({
  name: 'IDLE',
  states: LOGGED_IN,
  parse: noArguments,
  async run(_args, session) {
    await session.proceed('idling')
    session.notifier?.resume(true)
    const line = await tellUntil(session, session.input.readLine())
    await session.notifier?.pause()
    return line.toUpperCase() === 'DONE' ? ok('Idle completed') : bad('DONE expected')
  },
})

async function tellUntil(session: Session, line: Promise<string>): Promise<string> {
  const { view, out } = session
  const answer = line.then((text) => ({ text }))
  // When telling fails first, nobody is left to hear that reading failed too.
  answer.catch(() => {})
  for (;;) {
    const updated = Promise.withResolvers<undefined>()
    if (view !== undefined) {
      const onUpdate = () => updated.resolve(undefined)
      view.onUpdate = onUpdate
      await tellSelected(session, true)
      out.flush()
    }
    const ended = await Promise.race([answer, updated.promise])
    if (ended === undefined) continue
    if (view !== undefined) view.onUpdate = undefined
    return ended.text
  }
}
