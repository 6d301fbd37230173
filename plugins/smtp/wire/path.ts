import { type Address, parseAddress } from 'mailserver'

/** The argument of MAIL or RCPT: a path and ESMTP parameters (RFC 5321 section 4.1.2), not yet judged. */
export interface PathArgument {
  /** Between the angle brackets, source route left out; empty for the null reverse-path. */
  readonly path: string
  /** Keyword in capitals to value; true when it has none. */
  readonly parameters: ReadonlyMap<string, string | true>
}

const KEYWORD = /^[A-Za-z0-9][A-Za-z0-9-]*$/
/** RFC 5321 section 4.1.2 esmtp-value; RFC 6531 section 3.3 adds UTF-8. */
const VALUE = /^[^\s=\p{Cc}]+$/u
/** RFC 5321 appendix C: a source route is read and forgotten. */
const SOURCE_ROUTE = /^@[^\s,:@]+(?:,@[^\s,:@]+)*:/
const MAX_PARAMETERS = 20

/**
 * Parses what follows `MAIL ` or `RCPT `.
 * @param prefix `FROM` or `TO`
 * @returns undefined when it is no path; `parameters` when one of them is malformed or stands there twice
 */
export function parsePath(text: string, prefix: 'FROM' | 'TO'): PathArgument | 'parameters' | undefined {
  const match = /^\s*([A-Za-z]+)\s*:\s*</.exec(text)
  if (match === null || match[1]?.toUpperCase() !== prefix) return undefined
  const start = match[0].length
  const end = closingBracket(text, start)
  if (end === undefined) return undefined
  const rest = text.slice(end + 1)
  if (rest !== '' && !/^\s/.test(rest)) return undefined
  const parameters = new Map<string, string | true>()
  for (const item of rest.split(/\s+/).filter((word) => word !== '')) {
    const equals = item.indexOf('=')
    const keyword = (equals === -1 ? item : item.slice(0, equals)).toUpperCase()
    const value = equals === -1 ? true : item.slice(equals + 1)
    if (!KEYWORD.test(keyword) || (value !== true && !VALUE.test(value))) return 'parameters'
    // RFC 3461 section 4: no parameter may stand there twice.
    if (parameters.has(keyword) || parameters.size >= MAX_PARAMETERS) return 'parameters'
    parameters.set(keyword, value)
  }
  return { path: text.slice(start, end).replace(SOURCE_ROUTE, ''), parameters }
}

/**
 * The address of a path. The lone `postmaster` is one (RFC 5321 section 4.1.1.3).
 * @param hostname where a lone postmaster lives
 */
export function addressOf(path: string, hostname: string): Address | undefined {
  if (path.toLowerCase() === 'postmaster') return { local: path, domain: hostname.toLowerCase() }
  return parseAddress(path)
}

/** The `>` outside of quotes. */
function closingBracket(text: string, from: number): number | undefined {
  let isQuoted = false
  for (let at = from; at < text.length; at++) {
    const char = text[at]
    if (isQuoted && char === '\\') at++
    else if (char === '"') isQuoted = !isQuoted
    else if (!isQuoted && char === '>') return at
    else if (!isQuoted && char === '<') return undefined
  }
  return undefined
}
