import {
  type AccountId,
  type Engine,
  type Key,
  KeyReader,
  key,
  type MailboxId,
  prefixRange,
  type Reader,
} from 'mailserver'

/**
 * What the plugin remembers in the Engine; all of it can be found out again.
 *
 *   maildir path <account>               directory of the account
 *   maildir folder <account> <mailbox>   directory of the mailbox below it, once it has been there
 */
const pathKey = (account: AccountId): Key => key('maildir', 'path', account)
const folderKey = (account: AccountId, mailbox: MailboxId): Key => key('maildir', 'folder', account, mailbox)

export async function storedPath(reader: Reader, account: AccountId): Promise<string | undefined> {
  return (await reader.get(pathKey(account)))?.toString()
}

export async function storePath(engine: Engine, account: AccountId, path: string | undefined): Promise<void> {
  await engine.transactRelaxed([], async (tx) => {
    if (path === undefined) tx.delete(pathKey(account))
    else tx.put(pathKey(account), Buffer.from(path))
  })
}

export async function storedFolder(
  reader: Reader,
  account: AccountId,
  mailbox: MailboxId,
): Promise<string | undefined> {
  return (await reader.get(folderKey(account, mailbox)))?.toString()
}

export async function storedFolders(reader: Reader, account: AccountId): Promise<Map<MailboxId, string>> {
  const folders = new Map<MailboxId, string>()
  for await (const batch of reader.scan(prefixRange('maildir', 'folder', account))) {
    for (const [at, value] of batch) {
      const parts = new KeyReader(at)
      for (let skip = 0; skip < 3; skip++) parts.text()
      folders.set(parts.text() as MailboxId, value.toString())
    }
  }
  return folders
}

/** @param isDurable it is on disk when this resolves */
export async function storeFolder(
  engine: Engine,
  account: AccountId,
  mailbox: MailboxId,
  directory: string | undefined,
  isDurable = false,
): Promise<void> {
  const transact = isDurable ? engine.transact : engine.transactRelaxed
  await transact.call(engine, [], async (tx) => {
    if (directory === undefined) tx.delete(folderKey(account, mailbox))
    else tx.put(folderKey(account, mailbox), Buffer.from(directory))
  })
}
