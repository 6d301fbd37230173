import { UserError } from '../../errors/user-error.ts'
import { LEAVING, LEFT, MIRRORED } from '../convert/mirror-state.ts'
import type { Engine } from '../engine.ts'
import { mirroredKey } from '../layout.ts'

const OUT = 'mailserver store convert --from maildir --to level'

/**
 * Remembers that mailboxes are in a mirror: without it their messages could not be read, and with it files that were
 * left behind would be taken for new mail. So nothing starts where the two do not fit.
 * @throws UserError
 */
export async function checkMirror(engine: Engine, hasMirror: boolean): Promise<void> {
  const state = (await engine.get(mirroredKey()))?.toString()
  if (state === undefined && hasMirror) {
    await engine.transact([], async (tx) => tx.put(mirroredKey(), Buffer.from(MIRRORED)))
  } else if (state === LEAVING) {
    throw new UserError('Messages are being brought out of their Maildirs, and not all are.', {
      nextSteps: [`Finish it: ${OUT}`],
    })
  } else if (state === MIRRORED && !hasMirror) {
    throw new UserError('Messages of this store are in Maildir files, and no plugin of the config reads them.', {
      nextSteps: [
        'Put maildir() with its path back into the plugins of the config.',
        `Or bring the messages out first, with maildir() still in the config: ${OUT}`,
      ],
    })
  } else if (state === LEFT && hasMirror) {
    throw new UserError('The messages of this store were brought out of their Maildirs.', {
      nextSteps: [
        'Take maildir() out of the plugins of the config.',
        'Or bring them back: mailserver store convert --from level --to maildir',
      ],
    })
  }
}
