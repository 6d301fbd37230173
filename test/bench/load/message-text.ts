const WORDS =
  'the report of this quarter shows that orders from the north grew while costs of transport stayed as they were and so we ask you to look at the figures before the meeting on monday where plans for the next year will be made'.split(
    ' ',
  )

/** One word in each of so many subjects, for a search that finds some. */
export const RARE_EVERY = 100
export const RARE_WORD = 'zeppelin'

/** A small generator of numbers (mulberry32), so that every run and every system gets the same mail. */
function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The n-th message: text and HTML in alternatives, of about `octets` octets. The same for the same n and size. */
export function messageText(n: number, octets: number): Buffer {
  const next = numbers(n * 7919 + 17)
  const line = () => Array.from({ length: 11 }, () => WORDS[Math.floor(next() * WORDS.length)]).join(' ')
  const text = (size: number) => {
    const lines: string[] = []
    for (let sum = 0; sum < size; ) {
      const one = line()
      lines.push(one)
      sum += one.length + 2
    }
    return lines.join('\r\n')
  }
  const subject = `${line().slice(0, 50)}${n % RARE_EVERY === 0 ? ` ${RARE_WORD}` : ''} ${n}`
  const date = new Date(Date.UTC(2025, 0, 1) + n * 60_000).toUTCString().replace('GMT', '+0000')
  const half = Math.max(0, (octets - 900) / 2)
  return Buffer.from(
    [
      'Return-Path: <sender@example.com>',
      `Received: from client.example.com (client.example.com [192.0.2.1]) by mail.bench.test with ESMTP id ${n}`,
      `\tfor <1u@bench.test>; ${date}`,
      `From: "Sender Number ${n % 500}" <sender${n % 500}@example.com>`,
      'To: "Alice Example" <1u@bench.test>',
      `Cc: team${n % 20}@example.com, "Bob Example" <bob@example.com>`,
      `Subject: ${subject}`,
      `Date: ${date}`,
      `Message-ID: <${n}.${octets}@example.com>`,
      ...(n % 3 === 0 ? [`In-Reply-To: <${n - 1}.${octets}@example.com>`] : []),
      'MIME-Version: 1.0',
      `Content-Type: multipart/alternative; boundary="part-${n}"`,
      '',
      `--part-${n}`,
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 7bit',
      '',
      text(half),
      `--part-${n}`,
      'Content-Type: text/html; charset=utf-8',
      'Content-Transfer-Encoding: 7bit',
      '',
      `<html><body><p>${text(half)}</p></body></html>`,
      `--part-${n}--`,
      '',
    ].join('\r\n'),
  )
}
