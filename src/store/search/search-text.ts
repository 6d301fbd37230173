import { foldText } from '../../mail/fold-text.ts'
import { type ScannedMessage, scanMessage, type TextSink } from './scan-message.ts'

/** The text of a message as it is searched: decoded and folded. */
export interface SearchText {
  /** Of its own header. */
  readonly header: string
  /** Of everything else. */
  readonly body: string
}

/** Texts of more characters than this are not kept in an index. */
const MAX_CHARACTERS = 4 * 1024 * 1024

/** What a search of the message would look through; undefined when that is more than an index should keep. */
export async function searchText(message: ScannedMessage): Promise<SearchText | undefined> {
  const collector = new Collector()
  await scanMessage(message, collector, true)
  if (collector.isDone) return undefined
  const [header = '', ...body] = collector.texts.map((pieces) => pieces.join(''))
  return { header, body: body.join(TEXT_BREAK) }
}

/** Stands between texts that do not go on from each other. */
export const TEXT_BREAK = '\u0001'

class Collector implements TextSink {
  /** The header of the message first, since it is read first. */
  readonly texts: string[][] = []
  #characters = 0

  get isDone(): boolean {
    return this.#characters > MAX_CHARACTERS
  }

  push(text: string): void {
    this.#characters += text.length
    // Each piece is folded by itself, as the search of a message that is read does.
    this.texts.at(-1)?.push(foldText(text))
  }

  whole(text: string): void {
    this.cut()
    this.push(text)
  }

  cut(): void {
    this.texts.push([])
  }
}
