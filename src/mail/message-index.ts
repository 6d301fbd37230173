/**
 * What is known of a message without its bytes, taken in one pass at delivery and never parsed again: where every part
 * begins and ends, and the two texts that IMAP asks for most, ready to send. ENVELOPE and BODYSTRUCTURE are formats of
 * the message (RFC 3501 section 7.4.2), not of a session, which is why they are made here and not in a protocol.
 */
export interface MessageIndex {
  /** Octets of the message, header and body. */
  readonly size: number
  /**
   * Octets that it gains where every line must end in CRLF, the last one too, as POP3 sends it (RFC 1939 section 3): one for
   * each bare LF, two for a last line without an end. Absent: none.
   */
  readonly crlfExtra?: number
  /** ENVELOPE's value, parentheses included; 8-bit text only as literals. */
  readonly envelope: Buffer
  /** BODYSTRUCTURE's value with extension data, parentheses included. */
  readonly bodyStructure: Buffer
  /** BODY's value: the same without extension data. */
  readonly body: Buffer
  readonly root: PartIndex
  /** Decoded, folded to one line; for search, sort, thread, bounces and logs. Missing fields are absent. */
  readonly subject?: string | undefined
  /** `Message-ID` with its angle brackets. */
  readonly messageId?: string | undefined
  /** Message identifiers of In-Reply-To and of References, brackets included, in their order; of very many the first and the last. */
  readonly inReplyTo?: readonly string[] | undefined
  readonly references?: readonly string[] | undefined
  /** Milliseconds since the epoch of the Date field; absent when there is none or it is no date. */
  readonly sentAt?: number | undefined
  /** The first words to read in it, at most 200 characters on one line (RFC 8970). */
  readonly preview?: string | undefined
  /** Octets above 127 stand in its own header section: it is UTF-8 (RFC 6532), or wrong. */
  readonly eightBitHeader?: true | undefined
  /** Octets above 127 stand in its body: on its way it needs 8BITMIME (RFC 6152). */
  readonly eightBitBody?: true | undefined
}

/** One MIME part by offsets into the message (RFC 2045, 2046). */
export interface PartIndex {
  /** Lower case, e.g. `text`, `multipart`, `message`. */
  readonly type: string
  /** Lower case, e.g. `plain`, `mixed`, `rfc822`. */
  readonly subtype: string
  /** First octet of the part's header. For the root 0. */
  readonly headerStart: number
  /** First octet of the body: past the header's empty line. */
  readonly bodyStart: number
  /** One past the last octet of the body: the CRLF before a boundary belongs to the boundary (RFC 2046 section 5.1.1). */
  readonly bodyEnd: number
  /** Lines of the body, counted by LF. */
  readonly lines: number
  /** Lower case; `7bit` when there is none. */
  readonly encoding: string
  readonly charset?: string
  /** Parts of a multipart; the one root part of a message/rfc822 or message/global. */
  readonly children: readonly PartIndex[]
}
