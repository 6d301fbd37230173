import { describe, expect, it } from 'vitest'
import { dialog } from './support/dialog.ts'
import { imapWorld, mail } from './support/imap-world.ts'

describe('two sessions on one mailbox', () => {
  it('see new messages, flags and removals of each other at NOOP', async () => {
    await using world = await imapWorld()
    await world.deliver('INBOX', mail('1'), mail('2'), mail('3'))
    await dialog(
      world,
      `
      # selected
      C: a1 STORE 1 +FLAGS.SILENT (\\Flagged)
      S: a1 OK Store completed
      C2: b1 NOOP
      S2: * 1 FETCH (FLAGS (\\Flagged))
      S2: b1 OK Noop completed
      C: a2 STORE 2 +FLAGS.SILENT (\\Deleted)
      S: a2 OK Store completed
      C: a3 EXPUNGE
      S: * 2 EXPUNGE
      S: a3 OK Expunge completed
      C: a4 COPY 1 INBOX
      S: ~ EXISTS
      S: ~ RECENT
      S: ~ ^a4 OK
      C2: b2 NOOP
      S2: * 2 EXPUNGE
      S2: * 3 EXISTS
      S2: * 0 RECENT
      S2: b2 OK Noop completed
    `,
    )
  })

  it('are told of no EXPUNGE by FETCH, STORE and SEARCH, and by the UID commands are (RFC 3501 section 7.4.1)', async () => {
    await using world = await imapWorld()
    await world.deliver('INBOX', mail('1'), mail('2'), mail('3'))
    await dialog(
      world,
      `
      # selected
      C: a1 STORE 1 +FLAGS.SILENT (\\Deleted)
      S: a1 OK Store completed
      C: a2 EXPUNGE
      S: * 1 EXPUNGE
      S: a2 OK Expunge completed
      C2: b1 FETCH 1:3 UID
      S2: * 2 FETCH (UID 2)
      S2: * 3 FETCH (UID 3)
      S2: b1 NO [EXPUNGEISSUED] Some of the messages are gone
      C2: b2 FETCH 1 BODY[]
      S2: b2 NO [EXPUNGEISSUED] Some of the messages are gone
      C2: b3 FETCH 1 (ENVELOPE)
      S2: b3 NO [EXPUNGEISSUED] Some of the messages are gone
      C2: b4 STORE 1,2 +FLAGS (\\Seen)
      S2: * 2 FETCH (FLAGS (\\Seen))
      S2: b4 NO [EXPUNGEISSUED] Some of the messages are gone
      C2: b5 SEARCH ALL
      S2: * SEARCH 2 3
      S2: b5 OK Search completed
      C2: b6 UID FETCH 1:3 UID
      S2: * 2 FETCH (UID 2)
      S2: * 3 FETCH (UID 3)
      S2: * 1 EXPUNGE
      S2: b6 OK Fetch completed
      C2: b7 FETCH 1:2 UID
      S2: * 1 FETCH (UID 2)
      S2: * 2 FETCH (UID 3)
      S2: b7 OK Fetch completed
    `,
    )
  })

  it('find messages by N:* that another session has just moved in', async () => {
    await using world = await imapWorld()
    await world.deliver('INBOX', mail('1'))
    await world.deliver('Sent', mail('moved'))
    const a = await world.login()
    const b = await world.login()
    await a.ok('SELECT INBOX')
    await b.ok('SELECT Sent')
    await b.ok('UID MOVE 1 INBOX')
    expect(await a.ok('UID FETCH 2:* (FLAGS)')).toEqual([
      '* 2 EXISTS',
      '* 2 RECENT',
      '* 2 FETCH (UID 2 FLAGS (\\Recent))',
    ])
    await b.ok('SELECT INBOX')
    await b.ok('UID COPY 1 INBOX')
    expect(await a.ok('UID SEARCH UID 3:*')).toEqual(['* 3 EXISTS', expect.stringMatching(/RECENT/), '* SEARCH 3'])
  })

  it('keep the numbers right while many messages come and go', async () => {
    await using world = await imapWorld()
    await world.deliver('INBOX', ...Array.from({ length: 50 }, (_, at) => mail(`m${at}`)))
    const a = await world.login()
    const b = await world.login()
    await a.ok('SELECT INBOX')
    await b.ok('SELECT INBOX')
    let known = Array.from({ length: 50 }, (_, at) => at + 1)
    for (let round = 0; round < 20; round++) {
      await a.ok(`UID STORE ${round * 2 + 1},${round * 2 + 2} +FLAGS.SILENT (\\Deleted)`)
      await a.ok('EXPUNGE')
      await world.deliver('INBOX', mail(`new${round}`))
      for (const line of await b.ok('NOOP')) {
        const expunge = /^\* (\d+) EXPUNGE$/.exec(line)
        if (expunge !== null) known.splice(Number(expunge[1]) - 1, 1)
        const exists = /^\* (\d+) EXISTS$/.exec(line)
        if (exists !== null) while (known.length < Number(exists[1])) known.push(51 + round)
      }
      const told = (await b.ok('FETCH 1:* UID')).map((line) => Number(/UID (\d+)/.exec(line)?.[1]))
      expect(told).toEqual(known)
    }
    known = (await a.ok('UID SEARCH ALL')).at(-1)?.split(' ').slice(2).map(Number) ?? []
    expect(known).toEqual((await b.ok('UID SEARCH ALL')).at(-1)?.split(' ').slice(2).map(Number))
  })

  it('end when the mailbox is deleted by the other, and go on when it is their own', async () => {
    await using world = await imapWorld()
    await world.store.createMailbox(world.account, 'Shared')
    const a = await world.login()
    const b = await world.login()
    await a.ok('SELECT Shared')
    await b.ok('SELECT Shared')
    await a.ok('DELETE Shared')
    expect(await a.command('CHECK')).toEqual([expect.stringMatching(/BAD Not possible/)])
    b.send('x NOOP\r\n')
    expect(await b.rest()).toMatch(/(NONEXISTENT|UNAVAILABLE)/)
  })
})

describe('pipelined commands', () => {
  it('are answered strictly in their order, STORE before EXPUNGE', async () => {
    await using world = await imapWorld()
    await world.deliver('INBOX', ...Array.from({ length: 100 }, (_, at) => mail(`m${at}`)))
    const client = await world.login()
    client.send(
      'a1 SELECT INBOX\r\na2 UID STORE 1:50 +FLAGS.SILENT (\\Deleted)\r\na3 EXPUNGE\r\na4 UID STORE 51:60 +FLAGS.SILENT (\\Deleted)\r\na5 EXPUNGE\r\na6 SEARCH ALL\r\na7 LOGOUT\r\n',
    )
    const said = await client.rest()
    const tags = [...said.matchAll(/^(a\d) (OK|NO|BAD)/gm)].map((match) => `${match[1]} ${match[2]}`)
    expect(tags).toEqual(['a1 OK', 'a2 OK', 'a3 OK', 'a4 OK', 'a5 OK', 'a6 OK', 'a7 OK'])
    expect(said.match(/EXPUNGE\r\n/g)).toHaveLength(60)
    expect(said).toContain(`* SEARCH ${Array.from({ length: 40 }, (_, at) => at + 1).join(' ')}\r\n`)
  })

  it('are answered also when the client closes its side behind them', async () => {
    await using world = await imapWorld()
    const client = await world.login()
    client.socket.end('a1 NOOP\r\na2 STATUS INBOX (MESSAGES)\r\n')
    expect(await client.rest()).toMatch(/a1 OK[\s\S]*STATUS "INBOX" \(MESSAGES 0\)\r\na2 OK/)
  })
})
