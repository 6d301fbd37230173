import { expect, it } from 'vitest'
import { imapWorld, mail } from './support/imap-world.ts'

it('answers every tagged line, however wrong', async () => {
  await using world = await imapWorld()
  const client = await world.login()
  const answers: readonly (readonly [string, RegExp])[] = [
    ['', /^\* BAD Tag and command expected$/],
    ['a1', /^\* BAD/],
    ['a1 ', /^a1 BAD Unknown command$/],
    ['+ NOOP', /^\* BAD/],
    ['a2 NOPE', /^a2 BAD Unknown command$/],
    ['a3 constructor', /^a3 BAD Unknown command$/],
    ['a4 __proto__ x', /^a4 BAD/],
    ['a5 NOOP x', /^a5 BAD Too many arguments$/],
    ['a6 SELECT', /^a6 BAD Missing argument$/],
    ['a7 SELECT "x', /^a7 BAD Invalid quoted string$/],
    ['a8 SELECT a"b', /^a8 BAD Too many arguments$/],
    ['a9 UID', /^a9 BAD Unknown command$/],
    ['a10 UID NOPE 1', /^a10 BAD Unknown command$/],
    ['a11 SELECT {3', /^a11 BAD/],
    ['a12 SELECT  INBOX', /^a12 BAD/],
    ['a13 STARTTLS', /^a13 BAD/],
    ['a14 noop', /^a14 OK/],
    ['a15 NOOP ', /^a15 BAD/],
    ['a16 DONE', /^a16 BAD/],
    ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', /^\* BAD/],
    ['GET / HTTP/1.1', /^GET BAD/],
  ]
  for (const [line, expected] of answers) {
    client.send(`${line}\r\n`)
    expect(await client.line(), line).toMatch(expected)
    await client.ok('NOOP')
  }
})

it('ends with BYE after too many bad commands in a row', async () => {
  await using world = await imapWorld({ limits: { badCommands: 5 } })
  const client = await world.connect()
  client.send('x\r\n'.repeat(10))
  expect(await client.rest()).toBe(`${'* BAD Tag and command expected\r\n'.repeat(6)}* BYE Too many bad commands\r\n`)
})

it('refuses long lines by their tag, and ends the connection over endless ones', async () => {
  await using world = await imapWorld({ limits: { lineBytes: 1000, commandBytes: 4000 } })
  const client = await world.login()
  client.send(`a1 SELECT ${'x'.repeat(1500)}\r\n`)
  expect(await client.line()).toBe('a1 BAD Line is too long')
  client.send(`a2 SELECT ${'x'.repeat(4500)}\r\n`)
  expect(await client.line()).toBe('a2 BAD Line is too long')
  expect(await client.ok('NOOP')).toEqual([])
  client.send('x'.repeat(20_000))
  expect(await client.rest()).toBe('* BYE Line is far too long\r\n')
})

it('refuses a synchronising literal of 4 GB at once, and goes on', async () => {
  await using world = await imapWorld()
  const client = await world.login()
  for (const size of ['4294967296', '99999999999999999999']) {
    client.send(`a1 APPEND INBOX {${size}}\r\n`)
    expect(await client.line()).toBe('a1 NO [TOOBIG] Message is too large')
    client.send(`a2 SELECT {${size}}\r\n`)
    expect(await client.line()).toBe('a2 BAD [TOOBIG] Literal is too large')
  }
  expect(await client.ok('NOOP')).toEqual([])
})

it('reads past an oversized LITERAL+, and ends the connection when that would take too long', async () => {
  await using world = await imapWorld({ limits: { literalBytes: 100, skipBytes: 10_000 } })
  const client = await world.login()
  client.send(`a1 SELECT {5000+}\r\n${'x'.repeat(5000)} {3+}\r\nabc\r\na2 NOOP\r\n`)
  expect(await client.line()).toBe('a1 BAD [TOOBIG] Literal is too large')
  expect(await client.line()).toBe('a2 OK Noop completed')
  client.send('a3 NOPE {10+}\r\n0123456789\r\na4 NOOP\r\n')
  expect(await client.line()).toBe('a3 BAD Unknown command')
  expect(await client.line()).toBe('a4 OK Noop completed')
  client.send('a5 SELECT {4294967296+}\r\nxxxx')
  expect(await client.rest()).toBe('* BYE Literal is far too large\r\n')
  const other = await world.login()
  other.send('a6 APPEND INBOX {4294967296+}\r\nxxxx')
  expect(await other.rest()).toBe('* BYE Message is too large\r\n')
})

it('holds little for who has not logged in', async () => {
  await using world = await imapWorld()
  const client = await world.connect()
  client.send('a1 LOGIN {20000}\r\n')
  expect(await client.line()).toBe('a1 BAD [TOOBIG] Literal is too large')
  client.send('a2 LOGIN {100000000+}\r\n')
  expect(await client.rest()).toBe('* BYE Literal is far too large\r\n')
})

it('limits the literals of a command', async () => {
  await using world = await imapWorld({ limits: { literals: 3 } })
  const client = await world.login()
  client.send(`a1 ID (${'{1+}\r\nx '.repeat(10)})\r\na2 NOOP\r\n`)
  expect(await client.line()).toMatch(/^(a1 BAD|\* BYE)/)
})

it('gives up on a client that stops in the middle of a command', async () => {
  await using world = await imapWorld({ limits: { stallTimeoutMs: 100 } })
  const line = await world.login()
  line.send('a1 SELECT INB')
  expect(await line.rest()).toBe('* BYE Autologout; idle for too long\r\n')
  const literal = await world.login()
  literal.send('a1 APPEND INBOX {100}\r\n')
  await literal.line()
  literal.send('half of it')
  expect(await literal.rest()).toBe('* BYE Autologout; idle for too long\r\n')
  expect(world.blobs.count).toBe(0)
})

it('keeps nothing of a message whose client vanishes', async () => {
  await using world = await imapWorld()
  const client = await world.login()
  client.send('a1 APPEND INBOX {100+}\r\nhalf of it')
  await new Promise((resolve) => setTimeout(resolve, 50))
  client.socket.resetAndDestroy()
  await world.sessions.allEnded()
  expect(world.blobs.count).toBe(0)
  expect((await world.store.status(world.account, await world.idOf('INBOX'))).messages).toBe(0)
})

it('gives up on a client that reads nothing, holding little for it meanwhile', async () => {
  let reads = 0
  await using world = await imapWorld({
    limits: { stallTimeoutMs: 300 },
    wrapBlobs: (blobs) => ({
      ...blobs,
      read(ref, range) {
        reads += 1
        return blobs.read(ref, range)
      },
    }),
  })
  // 40 MB in all: far more than sockets hold.
  await world.deliver('INBOX', ...Array.from({ length: 200 }, () => mail('big', 'x'.repeat(200_000))))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  client.socket.pause()
  client.send('a1 FETCH 1:* BODY.PEEK[]\r\n')
  await world.sessions.allEnded()
  // What is read ahead, and what the kernel took.
  expect(reads).toBeLessThan(80)
  expect(world.mirrors.size).toBe(0)
})

it('answers when the store fails, and goes on', async () => {
  let isBroken = false
  await using world = await imapWorld({
    wrapBlobs: (blobs) => ({
      ...blobs,
      writer: () => (isBroken ? Promise.reject(new Error('disk on fire')) : blobs.writer()),
      read: (ref, range) => (isBroken ? Promise.reject(new Error('disk on fire')) : blobs.read(ref, range)),
      async *readMany(refs) {
        if (isBroken) throw new Error('disk on fire')
        yield* blobs.readMany(refs)
      },
    }),
  })
  await world.deliver('INBOX', mail('one'), mail('two'), mail('three'), mail('four'), mail('five'))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  isBroken = true
  for (const set of ['1', '1:*']) {
    expect(await client.command(`FETCH ${set} BODY.PEEK[]`)).toEqual([
      expect.stringMatching(/^t\d+ NO \[UNAVAILABLE\] Temporary failure, try again later$/),
    ])
  }
  client.send('a1 APPEND INBOX {10+}\r\n0123456789\r\n')
  expect(await client.line()).toBe('a1 NO [UNAVAILABLE] Temporary failure, try again later')
  isBroken = false
  expect(await client.ok('NOOP')).toEqual([])
})
