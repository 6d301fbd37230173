/**
 * Text in the form in which i;unicode-casemap compares it (RFC 5051 section 2): without case, and decomposed. Forms are
 * compared with `<`.
 */
export function casemap(text: string): string {
  return text.toUpperCase().normalize('NFKD')
}
