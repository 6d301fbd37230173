import { type AccountId, directory, type Journey, journeys, mailStore, parseAddress } from 'mailserver'
import { lmtp, smtp, submission } from 'mailserver/plugins/smtp'
import { startTestServer, type TestServer, type TestServerOptions } from '../../../support/test-server.ts'

type SmtpOptions = NonNullable<Parameters<typeof smtp>[0]>

export interface World extends TestServer {
  /** Messages of a mailbox, in order, as they are stored. */
  messages(address: string, mailbox?: string): Promise<readonly Buffer[]>
  journey(query: string): Promise<Journey | undefined>
}

/** A server with all three ways in. */
export async function startWorld(options: TestServerOptions & { smtp?: SmtpOptions } = {}): Promise<World> {
  const { smtp: extra = {}, plugins = [], ...rest } = options
  const server = await startTestServer({
    ...rest,
    plugins: [
      smtp({ listen: '127.0.0.1:0', ...extra }),
      submission({ listen: ['127.0.0.1:0', 'tls://127.0.0.1:0'], ...extra }),
      lmtp({ listen: '127.0.0.1:0', ...extra }),
      ...plugins,
    ],
  })
  const accountOf = async (text: string): Promise<AccountId> => {
    const address = parseAddress(text)
    const account = address && (await server.service(directory).accountByAddress(address))
    if (account === undefined) throw new Error(`there is no account ${text}`)
    return account.id
  }
  return {
    ...server,
    async messages(text, mailbox = 'INBOX') {
      const store = server.service(mailStore)
      const account = await accountOf(text)
      const { id } = await store.mailbox(account, mailbox)
      const messages: Buffer[] = []
      for await (const batch of store.states(account, id)) {
        for (const { uid } of batch) messages.push(await store.read(account, id, uid))
      }
      return messages
    },
    async journey(query) {
      return (await server.service(journeys).find(query, 1))[0]
    },
  }
}

/** What stands below our own trace fields: the message as it was sent. */
export function belowTrace(message: Buffer): Buffer {
  const text = message.toString('latin1')
  const match = /^Return-Path: [^\r]*\r\n(?:[^\r\n]+\r\n)*?Received: [^\r]*\r\n(?:\t[^\r]*\r\n)*/.exec(text)
  return match === null ? message : message.subarray(match[0].length)
}
