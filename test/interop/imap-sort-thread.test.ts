import { expect, test } from 'vitest'
import { dovecotDialog } from '../mail/dovecot-fetch.ts'
import { imapWorld } from '../plugins/imap/support/imap-world.ts'
import { describeWith } from '../support/programs.ts'

/** Conversations of all shapes, the same ones at each run. */
function conversations(): Buffer[] {
  let seed = 42
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((seed / 2_147_483_648) * below)
  }
  // Who answers names the whole way down to it, as mail clients do; some messages never arrived.
  const ways: string[][] = []
  return Array.from({ length: 120 }, (_, at) => {
    const answered = random(3) === 0 ? undefined : ways[random(at + 1)]
    const id = `<${at}@x.test>`
    ways.push([...(answered ?? []), id])
    const references = answered?.filter(() => random(8) !== 0) ?? []
    const parent = answered?.at(-1)
    const fields = [
      `From: ${['Zoe', 'adam', '"Ärne"', 'Bob'][random(4)]} <u${random(9)}@x.test>`,
      `To: v${random(9)}@x.test`,
      `Subject: ${['', 'Re: ', 'Fwd: [list] ', '[list] '][random(4)]}${['one', 'Two', 'three', 'FOUR', ''][random(5)]}${random(20)}`,
      `Date: ${new Date(Date.UTC(2026, 0, 1, random(48), random(60))).toUTCString()}`,
      `Message-ID: ${id}`,
      ...(references.length > 0 && random(4) > 0 ? [`References: ${references.join(' ')}`] : []),
      ...(parent !== undefined ? [`In-Reply-To: ${parent}`] : []),
    ]
    return Buffer.from(`${fields.join('\r\n')}\r\n\r\nbody ${at}\r\n`)
  }).filter(() => random(6) !== 0)
}

const COMMANDS = [
  ...['(SUBJECT)', '(FROM)', '(TO REVERSE DATE)', '(SIZE)', '(DATE)', '(REVERSE SUBJECT FROM)'].map(
    (by) => `SORT ${by} UTF-8 ALL`,
  ),
  ...['REFERENCES', 'REFS', 'ORDEREDSUBJECT'].map((by) => `THREAD ${by} UTF-8 ALL`),
]

const resultsIn = (text: string) => text.split('\r\n').filter((line) => /^\* (?:SORT|THREAD)/.test(line))

describeWith(['dovecot'], 'SORT and THREAD as Dovecot has them', () => {
  test.each(COMMANDS)('%s', async (command) => {
    const messages = conversations()
    await using world = await imapWorld()
    await world.deliver('INBOX', ...messages)
    const client = await world.login()
    await client.ok('SELECT INBOX')
    expect(await client.ok(command)).toEqual(resultsIn(await dovecotDialog(messages, [command])))
  })
})
