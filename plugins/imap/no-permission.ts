/** The user lacks a right on a mailbox that it may know of (RFC 5530 section 3 NOPERM). */
export class NoPermission extends Error {
  override readonly name = 'NoPermission'
}
