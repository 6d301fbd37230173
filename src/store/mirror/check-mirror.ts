import { UserError } from '../../errors/user-error.ts'
import type { Engine } from '../engine.ts'
import { mirroredKey } from '../layout.ts'

/**
 * Remembers that mailboxes are in a mirror: without it their messages could not be read, so nothing starts without it.
 * @throws UserError
 */
export async function checkMirror(engine: Engine, hasMirror: boolean): Promise<void> {
  const isMirrored = (await engine.get(mirroredKey())) !== undefined
  if (hasMirror && !isMirrored) {
    await engine.transact([], async (tx) => tx.put(mirroredKey(), Buffer.alloc(0)))
  } else if (isMirrored && !hasMirror) {
    throw new UserError('Messages of this store are in Maildir files, and no plugin of the config reads them.', {
      nextSteps: [
        'Put maildir() with its path back into the plugins of the config.',
        'Or bring the messages back first: mailserver store convert --from maildir --to level',
      ],
    })
  }
}
