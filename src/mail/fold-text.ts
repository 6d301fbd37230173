/** Text in the form in which it is searched: without case (RFC 3501 section 6.4.4). */
export function foldText(text: string): string {
  const lower = text.toLowerCase()
  // The final sigma is one by its place in the word, which a substring does not share.
  return lower.includes('ς') ? lower.replaceAll('ς', 'σ') : lower
}
