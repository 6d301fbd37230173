/** What the store remembers of its mirror, under `mail-mirrored`. */

/** Messages are in the mirror. */
export const MIRRORED = 'mirrored'
/** They are being brought out of it: some are, some are not. */
export const LEAVING = 'leaving'
/** They were brought out of it. Its files are still there, and are no mail. */
export const LEFT = 'left'
