import { randomBytes } from 'node:crypto'
import type { Engine } from '../store/engine.ts'
import { DIRECTORY, layout } from './layout.ts'

const SECRET_BYTES = 32

/** A secret of this server, made when it is first asked for, and the same ever after. */
export async function serverSecret(engine: Engine): Promise<Buffer> {
  const stored = await engine.get(layout.secret())
  if (stored !== undefined) return stored
  return engine.transact([DIRECTORY], async (tx) => {
    const meanwhile = await tx.get(layout.secret())
    if (meanwhile !== undefined) return meanwhile
    const secret = randomBytes(SECRET_BYTES)
    tx.put(layout.secret(), secret)
    return secret
  })
}
