import type { BlobStore } from 'mailserver'
import { defineService } from 'mailserver'
import type { Locator } from './locator.ts'
import type { Mirror } from './mirror.ts'

/** What the two halves of this plugin share. */
export interface MaildirFiles {
  readonly mirror: Mirror
  readonly locator: Locator
  /** The BlobStore that this plugin wraps. */
  readonly blobs: BlobStore
}

export const maildirFiles = defineService<MaildirFiles>('maildir:files')
