import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ImapClient } from './load/imap-client.ts'
import { messageText } from './load/message-text.ts'
import { Pop3Client } from './load/pop3-client.ts'
import { SmtpClient } from './load/smtp-client.ts'

const closing: (() => void)[] = []

afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** A server that says `greeting` and answers each line; the line's first word is the tag, where there are tags. */
async function serverOf(greeting: string, answer: (line: string, socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.write(greeting)
    socket.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().split('\r\n').slice(0, -1)) answer(line, socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  return (server.address() as { port: number }).port
}

const tagOf = (line: string): string => line.split(' ')[0] ?? ''

describe('the IMAP client', () => {
  it('waits for the completion, in whatever pieces it comes, and is not misled by what a message says', async () => {
    const port = await serverOf('* OK hello\r\n', (line, socket) => {
      if (line.includes('LOGIN')) return void socket.write(`${tagOf(line)} OK\r\n`)
      const body = `x\r\n${tagOf(line)} OK not yet\r\ny`
      socket.write(`* 1 FETCH (BODY[] {${body.length}}\r\n${body})\r\n${tagOf(line)} O`)
      setTimeout(() => socket.write('K done\r\n'), 20)
      return undefined
    })
    const client = await ImapClient.login({ port, tls: false }, 'a', 'b')
    const { content } = await client.command('FETCH 1 (BODY[])', { keep: true })
    expect(content?.toString()).toMatch(/OK done\r\n$/)
    client.close()
  })

  it('fails with what the server refused, in a pipeline as well, and when it hangs up', async () => {
    const port = await serverOf('* OK hello\r\n', (line, socket) => {
      if (line.includes('BYE')) socket.destroy()
      else socket.write(`${tagOf(line)} ${line.includes('BAD') ? 'NO not this' : 'OK'}\r\n`)
    })
    const client = await ImapClient.login({ port, tls: false }, 'a', 'b')
    await expect(client.command('BAD')).rejects.toThrow('NO not this')
    await client.pipeline(['A', 'B'])
    await expect(client.pipeline(['A', 'BAD', 'B'])).rejects.toThrow('2 of 3')
    await expect(client.command('BYE')).rejects.toThrow('closed')
  })
})

describe('the POP3 client', () => {
  it('reads answers of one and of many lines, and fails with a refusal', async () => {
    const port = await serverOf('+OK hello\r\n', (line, socket) => {
      if (line.startsWith('RETR 1')) socket.write('+OK 4 octets\r\nab\r\n.\r\n')
      else socket.write(line.startsWith('RETR') ? '-ERR no such message\r\n' : '+OK\r\n')
    })
    const client = await Pop3Client.login({ port, tls: false }, 'a', 'b')
    expect(await client.lines('RETR 1')).toBe(21)
    await expect(client.lines('RETR 2')).rejects.toThrow('-ERR no such message')
    client.close()
  })
})

describe('the SMTP client', () => {
  it('takes replies of many lines, and fails with a refusal', async () => {
    const port = await serverOf('220 hello\r\n', (line, socket) => {
      if (line.startsWith('EHLO')) socket.write('250-one\r\n250 two\r\n')
      else if (line.startsWith('RCPT')) socket.write('550 5.1.1 nobody\r\n')
      else socket.write('250 OK\r\n')
    })
    const client = await SmtpClient.connect(port)
    await expect(client.send('a@b.test', 'c@d.test', Buffer.from('x\r\n'))).rejects.toThrow('550 5.1.1 nobody')
    client.close()
  })
})

describe('the messages', () => {
  it('are the same for the same number, differ otherwise, and have about the size asked for', () => {
    expect(messageText(5, 6_900).equals(messageText(5, 6_900))).toBe(true)
    expect(messageText(5, 6_900).equals(messageText(6, 6_900))).toBe(false)
    for (const octets of [2_000, 6_900, 50_000]) {
      const { length } = messageText(3, octets)
      expect(Math.abs(length - octets)).toBeLessThan(400)
    }
    expect(messageText(3, 6_900).toString()).not.toMatch(/(?<!\r)\n/)
  })
})
