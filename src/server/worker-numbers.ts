/** Numbers of the workers that live: the lowest free one is given out first. */
export class WorkerNumbers {
  readonly #taken = new Set<number>()

  take(): number {
    let number = 0
    while (this.#taken.has(number)) number++
    this.#taken.add(number)
    return number
  }

  giveBack(number: number): void {
    this.#taken.delete(number)
  }
}
