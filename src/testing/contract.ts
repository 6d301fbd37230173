/**
 * One promise of an interface and how it is checked, independent of any test runner: `run` opens what is to be checked,
 * and throws when the promise is not kept.
 */
export interface ContractTest<T> {
  readonly title: string
  run(open: () => Promise<T>): Promise<void>
}
