import { byteSize, duration } from 'mailserver'
import { z } from 'zod'

export const options = z.strictObject({
  /**
   * Directory of an account's Maildir, relative to the config file. `%u` is the address, `%n` its local part, `%d` its
   * domain, all in lower case.
   */
  path: z
    .string()
    .min(1)
    .refine((path) => /%[un]/.test(path), 'needs %n or %u, so that every account has a directory of its own'),
  /** Directories that are watched at most, over all accounts in use: two for each mailbox. Others are looked at every second. */
  watches: z.int().min(0).default(20_000),
  /** How often the directories of accounts in use are looked at, in case a watch has missed something. */
  rescan: duration().prefault('10s'),
  /**
   * Mail that waits in the store to be written to its Maildir, at most; beyond it messages are refused for a time. One
   * account may have a tenth of it.
   */
  maxWaiting: byteSize().prefault('1GB'),
  /** The same as a number of messages; changes of flags and the like are taken up to twice as many. */
  maxWaitingMessages: z.int().min(1_000).default(100_000),
})
