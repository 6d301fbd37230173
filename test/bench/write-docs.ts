/** The report in docs/performance.md stands between these lines, which are comments to Markdown. */
export const BEGIN = '<!-- results: begin -->'
export const END = '<!-- results: end -->'

/** The page with its results replaced. @throws Error when the markers are not there, each once and in order */
export function withResults(page: string, report: string): string {
  const { before, after } = apart(page)
  return `${before}${BEGIN}\n\n${report.trim()}\n\n${END}${after}`
}

/**
 * The page with the results of some scenarios replaced, and all others as they are.
 * @param sections by the scenario's name, each with its heading
 * @throws Error as withResults, and when a scenario has no results there yet
 */
export function withSections(page: string, sections: ReadonlyMap<string, string>): string {
  let { results } = apart(page)
  for (const [name, text] of sections) {
    const begin = results.indexOf(`#### ${name}\n`)
    if (begin === -1)
      throw new Error(`docs/performance.md has no results of ${name} to replace: write all of them first`)
    const next = results.indexOf('\n#### ', begin)
    results = `${results.slice(0, begin)}${text.trim()}\n${next === -1 ? '' : results.slice(next)}`
  }
  return withResults(page, results)
}

function apart(page: string): { readonly before: string; readonly results: string; readonly after: string } {
  const parts = page.split(BEGIN)
  const [before, rest] = parts
  const behind = rest?.split(END)
  const [results, after] = behind ?? []
  if (
    parts.length !== 2 ||
    behind?.length !== 2 ||
    before === undefined ||
    results === undefined ||
    after === undefined
  ) {
    throw new Error(`docs/performance.md has no single pair of "${BEGIN}" and "${END}"`)
  }
  return { before, results, after }
}
