import { Flags } from '@oclif/core'
import { BaseCommand } from '../base-command.ts'
import type { StartCard } from '../start-card.ts'
import type { StartMessage } from '../start-detached.ts'

export default class Start extends BaseCommand {
  static override summary = 'Start the server.'
  static override description =
    `Stays in the foreground and logs to the terminal; Ctrl-C lets work in hand finish and ends it.
With --detach it returns when everything listens, or with the reason why not, and logs to logs/mailserver.log in the data directory.`
  static override examples = [
    '<%= config.bin %> start',
    '<%= config.bin %> start --detach -c /etc/mail/mailserver.config.ts',
  ]
  static override flags = {
    detach: Flags.boolean({ char: 'd', summary: 'Run in the background.' }),
    child: Flags.boolean({ hidden: true, exclusive: ['detach'] }),
  }

  async run(): Promise<StartCard | undefined> {
    const { flags } = await this.parse(Start)
    const config = await this.#orTellParent(flags.child, () => this.loadConfig(flags.config))
    if (flags.detach) {
      const { startDetached } = await import('../start-detached.ts')
      const card = await startDetached(config.file, config.dataDir)
      await this.#show(card)
      return card
    }
    const { runForeground } = await import('../start-foreground.ts')
    if (flags.child) {
      const { logFileOf } = await import('../log-file.ts')
      const log = { kind: 'file', path: logFileOf(config.dataDir) } as const
      await this.#orTellParent(true, () => runForeground(config, log, (card) => tellParent({ kind: 'started', card })))
    } else {
      const log = { kind: 'stdout', pretty: process.stdout.isTTY } as const
      await runForeground(config, log, (card) => void this.#show(card, true))
    }
    return undefined
  }

  async #show(card: StartCard, isLine = false): Promise<void> {
    const { renderCard } = await import('../start-card.ts')
    this.log(renderCard(card))
    // In the foreground the log follows: the card is one line of JSON among others.
    if (isLine && this.jsonEnabled()) process.stdout.write(`${JSON.stringify(card)}\n`)
  }

  async #orTellParent<T>(isChild: boolean, fn: () => Promise<T>): Promise<T> {
    try {
      return await fn()
    } catch (error) {
      if (isChild) {
        const { packFailure } = await import('../start-detached.ts')
        tellParent({ kind: 'failed', error: packFailure(error) })
      }
      throw error
    }
  }
}

/** The parent waits for one message; it may be gone when somebody ended it. */
function tellParent(message: StartMessage): void {
  if (process.connected) process.send?.(message, () => process.disconnect?.())
}
