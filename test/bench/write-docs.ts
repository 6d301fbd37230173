/** The report in docs/performance.md stands between these lines, which are comments to Markdown. */
export const BEGIN = '<!-- results: begin -->'
export const END = '<!-- results: end -->'

/** The page with its results replaced. @throws Error when the markers are not there, each once and in order */
export function withResults(page: string, report: string): string {
  const parts = page.split(BEGIN)
  const [before, rest] = parts
  const behind = rest?.split(END)
  if (parts.length !== 2 || before === undefined || behind?.length !== 2) {
    throw new Error(`docs/performance.md has no single pair of "${BEGIN}" and "${END}"`)
  }
  return `${before}${BEGIN}\n\n${report.trim()}\n\n${END}${behind[1]}`
}
