import { expect } from 'vitest'
import type { World } from './imap-world.ts'
import type { TestClient } from './test-client.ts'
import type { User } from './test-directory.ts'

const LINE = /^([CS])(\d*):(?: (.*))?$/

/**
 * Plays a dialog. `C: ` is sent with CRLF, `S: ` must be the next line; `S: ~ ` is a regular expression for it. `C2:` and
 * `S2:` are of a second client, and so on; every client is logged in unless the dialog begins with `# not logged in`,
 * and has INBOX selected when it begins with `# selected`; a line `# 2 is bob` says who the second client is. Empty lines and other comments are passed over.
 */
export async function dialog(world: World, text: string): Promise<void> {
  const clients = new Map<string, TestClient>()
  const lines = text.split('\n').map((line) => line.trim())
  const isAnonymous = lines.includes('# not logged in')
  const isSelected = lines.includes('# selected')
  const users = new Map(
    lines.flatMap((line) => {
      const [, name = '', user] = /^# (\d*) ?is (\w+)$/.exec(line) ?? []
      return user === undefined ? [] : [[name, user as User] as const]
    }),
  )
  const clientOf = async (name: string): Promise<TestClient> => {
    let client = clients.get(name)
    if (client === undefined) {
      client = isAnonymous ? await world.connect() : await world.login(users.get(name))
      if (isSelected) await client.ok('SELECT INBOX')
      clients.set(name, client)
    }
    return client
  }
  // All are there from the first line on, in the order in which they are named.
  for (const line of lines) {
    const match = LINE.exec(line)
    if (match !== null) await clientOf(match[2] ?? '')
  }
  for (const line of lines) {
    if (line === '' || line.startsWith('#')) continue
    const match = LINE.exec(line)
    if (match === null) throw new Error(`no line of a dialog: ${line}`)
    const [, side, name = '', rest = ''] = match
    const client = await clientOf(name)
    if (side === 'C') {
      client.send(`${rest}\r\n`)
      continue
    }
    const received = await client.line()
    if (rest.startsWith('~ ')) expect(received, line).toMatch(new RegExp(rest.slice(2)))
    else expect(received).toBe(rest)
  }
  for (const client of clients.values()) {
    expect(client.pending, 'said too much').toBe('')
    client.close()
  }
}
