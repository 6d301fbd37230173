import { duration } from 'mailserver'
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
})
