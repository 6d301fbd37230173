import type { HeaderField } from '../kernel/verdict.ts'

const NAME = /^[!-9;-~]{1,76}$/
// Everything below space but TAB, CR and LF, and DEL.
// biome-ignore lint/suspicious/noControlCharactersInRegex: taking control characters out is the point
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g

/**
 * Header fields as octets, each ended by CRLF. Line ends within a value become folds, so that no value, wherever its
 * text is from, can begin a field of its own or end the header (RFC 5322 section 2.2.3).
 * @throws Error when a name is none: a fault of the plugin that gave it
 */
export function headerText(fields: readonly HeaderField[]): Buffer {
  return Buffer.from(
    fields
      .map(([name, value]) => {
        if (!NAME.test(name)) throw new Error(`${JSON.stringify(name)} is no name of a header field`)
        const folded = value
          .replace(CONTROLS, '')
          .trim()
          .split(/\s*[\r\n]+\s*/)
          .join('\r\n\t')
        return `${name}: ${folded}\r\n`
      })
      .join(''),
  )
}
