import { setFlagsFromString } from 'node:v8'

/**
 * Has V8 compile what runs often with its best compiler after 400 calls, for threads that start afterwards. As it comes it
 * waits for 3,000: a message calls each of a thousand functions a few times, so half of the code stays with the compiler in
 * between for the first 20,000 messages. That one is left out: with it everything is compiled twice within the first
 * seconds. What was measured is in docs/performance.md.
 */
export function compileEarly(): void {
  setFlagsFromString('--no-maglev')
  setFlagsFromString('--invocation-count-for-turbofan=400')
}
