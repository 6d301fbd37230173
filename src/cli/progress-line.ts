import type { Progress } from '../store/progress.ts'
import { span } from './quantity.ts'

const BAR = 24
/** Where no terminal is, a line now and then. */
const LINE_EVERY_MS = 5_000
const CLEAR_LINE = '\r\u001b[K'

/** How far long work is: one line that is written over on a terminal, a line every few seconds elsewhere. */
export class ProgressLine {
  readonly #out: NodeJS.WriteStream
  #phase = ''
  #phaseSince = 0
  #lineAt = 0
  #isShown = false

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
  }

  show(progress: Progress): void {
    const now = performance.now()
    if (progress.phase !== this.#phase) {
      this.#phase = progress.phase
      this.#phaseSince = now
    }
    if (this.#out.isTTY) {
      this.#isShown = true
      this.#out.write(`${CLEAR_LINE}${cut(textOf(progress, now - this.#phaseSince), this.#out.columns)}`)
    } else if (now - this.#lineAt >= LINE_EVERY_MS) {
      // Work that is quick says nothing at all.
      if (this.#lineAt !== 0) this.#out.write(`${textOf(progress, now - this.#phaseSince)}\n`)
      this.#lineAt = now
    }
  }

  say(text: string): void {
    this.clear()
    this.#out.write(`${text}\n`)
  }

  clear(): void {
    if (this.#isShown) this.#out.write(CLEAR_LINE)
    this.#isShown = false
  }
}

function textOf({ phase, done, total }: Progress, elapsedMs: number): string {
  if (total === undefined || total === 0) return `${phase}: ${done}`
  const part = Math.min(1, done / total)
  const full = Math.round(part * BAR)
  const bar = `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}]`
  const left = part > 0.01 && elapsedMs > 2_000 ? `, ${span((elapsedMs / part) * (1 - part))} left` : ''
  return `${bar} ${Math.floor(part * 100)}% ${phase}: ${done} of ${total}${left}`
}

const cut = (text: string, columns: number | undefined): string =>
  columns === undefined || columns < 10 ? text : text.slice(0, columns - 1)
