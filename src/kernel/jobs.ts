/** Work that recurs. A job runs on one worker of the whole cluster at a time (a lease in the Engine sees to it). */
export interface Jobs {
  /**
   * Runs `fn` every `intervalMs`, the first time one interval (less jitter) after start. A run that throws is
   * logged with its plugin's name and tried again at the next turn. The signal fires when the server drains.
   * @param name unique within the plugin
   */
  every(intervalMs: number, name: string, fn: (signal: AbortSignal) => Promise<void>): void
}
