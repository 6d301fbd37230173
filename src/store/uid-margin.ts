/**
 * UIDs that are left out when nobody knows which were given out: after counters are lost, and in what comes back from a
 * backup, where messages that came after it have had some. A client must never find another message under a UID that it
 * knows (RFC 3501 section 2.3.1.1), and a gap costs nothing.
 */
export const UID_MARGIN = 1 << 20

/** RFC 3501 section 2.3.1.1: UIDs have 32 bits; the last is never given out. */
export const MAX_UID = 0xffff_fffe

export const pastMargin = (lastUid: number): number => Math.min(lastUid + UID_MARGIN, MAX_UID - 1)
