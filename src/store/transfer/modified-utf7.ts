/** Names of folders as Maildir and mbox tools write them: RFC 3501 section 5.1.3. */
export function encodeModifiedUtf7(text: string): string {
  return text.replaceAll('&', '&-').replace(/[^\x20-\x7e]+/g, (run) => {
    const bytes = Buffer.from(run, 'utf16le').swap16()
    return `&${bytes.toString('base64').replace(/=+$/, '').replaceAll('/', ',')}-`
  })
}

/** What is no such text comes back as it is: the name of a folder in UTF-8. */
export function decodeModifiedUtf7(text: string): string {
  return text.replace(/&([A-Za-z0-9+,]*)-/g, (whole, run: string) => {
    if (run === '') return '&'
    const bytes = Buffer.from(run.replaceAll(',', '/'), 'base64')
    return bytes.length % 2 === 0 ? bytes.swap16().toString('utf16le') : whole
  })
}
