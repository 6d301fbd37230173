import { join } from 'node:path'
import type { AccountId, BlobStore, Engine, Log, MailboxId, MirroredMailboxes } from 'mailserver'
import { storedFolder } from '../layout.ts'
import { directoryOf } from '../names/folder-name.ts'
import { Folder } from './folder.ts'
import type { WithheldMessages } from './withheld.ts'

/** What is done for accounts works with. */
export interface KeeperParts {
  readonly engine: Engine
  /** The store's own, without what is in Maildirs. */
  readonly blobs: BlobStore
  readonly mirrored: MirroredMailboxes
  readonly log: Log
  /** Files that were written for a blob: another recipient's copy is a link to them. */
  readonly written: Map<string, Promise<string>>
  readonly withheld: WithheldMessages
  /** Another account's folder, when it is held in memory. */
  readonly folderOf: (account: AccountId, mailbox: MailboxId) => Folder | undefined
}

/** One account's Maildir: its directory and its folders. */
export class Estate {
  readonly parts: KeeperParts
  readonly account: AccountId
  readonly root: string
  readonly folders = new Map<MailboxId, Folder>()
  /** Fingerprint of the list of subscriptions as we last read or wrote it. */
  subscriptionsPrint: string | undefined
  /** MODSEQ of the last commit that was done, when some before it have messages that are withheld. */
  doneUntil: bigint | undefined
  /** At the last look another program was still making a folder. */
  isUnsettled = false

  constructor(parts: KeeperParts, account: AccountId, root: string) {
    this.parts = parts
    this.account = account
    this.root = root
  }

  get temporary(): string {
    return join(this.root, 'tmp')
  }

  /** The folder of a mailbox; undefined when neither the store nor the plugin knows such a mailbox. */
  async folder(mailbox: MailboxId): Promise<Folder | undefined> {
    const known = this.folders.get(mailbox)
    if (known !== undefined) return known
    const { engine, mirrored } = this.parts
    let directory = await storedFolder(engine, this.account, mailbox)
    if (directory === undefined) {
      const found = (await mirrored.store.mailboxes(this.account)).find(({ id }) => id === mailbox)
      if (found === undefined) return undefined
      directory = directoryOf(found.name)
    }
    return this.adopt(mailbox, directory)
  }

  adopt(mailbox: MailboxId, directory: string): Folder {
    const folder = new Folder(this.root, directory, mailbox)
    this.folders.set(mailbox, folder)
    return folder
  }
}
