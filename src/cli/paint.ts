import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

const painter =
  (style: Style) =>
  (text: string, stream: NodeJS.WriteStream = process.stdout): string =>
    styleText(style, text, { stream, validateStream: true })

/** Colours on a terminal, plain text elsewhere and under NO_COLOR. */
export const paint = {
  bold: painter('bold'),
  dim: painter('dim'),
  red: painter('red'),
  green: painter('green'),
  yellow: painter('yellow'),
  cyan: painter('cyan'),
} as const
