import { stripVTControlCharacters } from 'node:util'
import { paint } from './paint.ts'

export interface Column<T> {
  readonly title: string
  readonly of: (row: T) => string | number | null
  readonly align?: 'right'
}

const GAP = '  '

/** Aligned columns under their titles. What peers wrote cannot move the cursor: control characters are taken out. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
  const cells = rows.map((row) => columns.map(({ of }) => clean(of(row))))
  const widths = columns.map(({ title }, at) => Math.max(width(title), ...cells.map((line) => width(line[at] ?? ''))))
  const render = (line: readonly string[]) =>
    line
      .map((cell, at) => pad(cell, widths[at] ?? 0, columns[at]?.align))
      .join(GAP)
      .trimEnd()
  return [paint.dim(render(columns.map(({ title }) => title))), ...cells.map(render)].join('\n')
}

/** One value without control characters. */
export function clean(value: string | number | null): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: taking out control characters is the point
  return stripVTControlCharacters(String(value ?? '-')).replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
}

function pad(text: string, to: number, align: 'right' | undefined): string {
  const blanks = ' '.repeat(Math.max(0, to - width(text)))
  return align === 'right' ? blanks + text : text + blanks
}

/** Columns on the terminal, as far as most terminals agree: East Asian wide characters take two. */
function width(text: string): number {
  let columns = 0
  for (const character of text) columns += isWide(character.codePointAt(0) ?? 0) ? 2 : 1
  return columns
}

function isWide(code: number): boolean {
  return (
    code >= 0x1100 &&
    (code <= 0x115f ||
      (code >= 0x2e80 && code <= 0xa4cf) ||
      (code >= 0xac00 && code <= 0xd7a3) ||
      (code >= 0xf900 && code <= 0xfaff) ||
      (code >= 0xfe30 && code <= 0xfe6f) ||
      (code >= 0xff00 && code <= 0xff60) ||
      (code >= 0x1f300 && code <= 0x1f64f) ||
      code >= 0x20000)
  )
}
