import { Command, Flags } from '@oclif/core'
import type { ResolvedConfig } from '../config/resolved-config.ts'
import type { ControlClient } from '../control/client.ts'
import { printError } from './print-error.ts'

/** What every command has: `-c/--config`, `--json`, and errors that say what to do next. */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true
  static override baseFlags = {
    config: Flags.string({
      char: 'c',
      helpValue: 'FILE',
      summary: 'The configuration, when it is not mailserver.config.ts here or above.',
      helpGroup: 'GLOBAL',
    }),
  }

  /** @throws ConfigError, UserError (exit code 78) */
  protected async loadConfig(file: string | undefined): Promise<ResolvedConfig> {
    const { findConfig } = await import('../config/find-config.ts')
    const { loadConfig } = await import('../config/load-config.ts')
    return loadConfig(await findConfig(file, process.cwd()))
  }

  /** Works with the running server. @throws UserError with exit code 3 when none runs */
  protected async withServer<T>(file: string | undefined, use: (client: ControlClient) => Promise<T>): Promise<T> {
    const { withServer } = await import('./reach-server.ts')
    return withServer(await this.loadConfig(file), use)
  }

  /** Works with the running server, or with the store itself when none runs. */
  protected async withStore<T>(file: string | undefined, use: (client: ControlClient) => Promise<T>): Promise<T> {
    const { withStore } = await import('./reach-server.ts')
    return withStore(await this.loadConfig(file), use)
  }

  protected override async catch(error: Error): Promise<void> {
    await printError(error, this.jsonEnabled())
  }

  /** The result as it is: the same shape for every run, with no colours. */
  override logJson(json: unknown): void {
    process.stdout.write(`${JSON.stringify(json, undefined, 2)}\n`)
  }
}
