const PRIVATE = 0o077

/** From now on what this process makes is for its user alone: libraries choose modes by the umask. */
export function keepFilesPrivate(): void {
  process.umask(PRIVATE)
}
