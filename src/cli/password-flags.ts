import { Flags } from '@oclif/core'

/** Where a password comes from; a prompt without echo when neither is given. */
export const passwordFlags = {
  'password-stdin': Flags.boolean({ summary: 'Read the password from standard input.', exclusive: ['generate'] }),
  generate: Flags.boolean({ summary: 'Make a password up and print it.' }),
}
