import { z } from 'zod'
import type { Address } from '../mail/address.ts'

const address = z.custom<Address>((value) => typeof value === 'object' && value !== null && 'local' in value)

/** What the config says of domains, accounts and aliases: addresses parsed, secrets revealed. */
export const directoryOptions = z.object({
  domains: z.array(z.object({ name: z.string(), catchAll: address.optional(), subaddressDelimiter: z.string() })),
  accounts: z.array(
    z.object({
      address,
      name: z.string().optional(),
      /** An argon2id hash, or the password in clear (it came from a secret and stays in memory). */
      password: z.string().optional(),
      maxBytes: z.number().optional(),
    }),
  ),
  aliases: z.array(z.object({ address, targets: z.array(address).readonly() })),
})

export type DirectoryOptions = z.output<typeof directoryOptions>
