const POLL_MS = 4

/** Asks again and again, in short steps, until it is so. @throws Error when it takes longer than `timeoutMs` */
export async function until(isSo: () => Promise<boolean> | boolean, timeoutMs: number): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
