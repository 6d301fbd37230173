import { createInterface } from 'node:readline/promises'
import { EXIT, UserError } from '../errors/user-error.ts'

/**
 * Asks before something is lost for good.
 * @throws UserError when the answer is not yes, or there is nobody to ask (exit code 2)
 */
export async function confirm(question: string, isSure: boolean): Promise<void> {
  if (isSure) return
  if (!process.stdin.isTTY) {
    throw new UserError(question, { exitCode: EXIT.usage, nextSteps: ['Say that you mean it with --yes'] })
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`${question} [y/N] `)
  terminal.close()
  if (!/^y(es)?$/i.test(answer.trim())) throw new UserError('Nothing was changed.')
}
