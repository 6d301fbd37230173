import { setFlagsFromString } from 'node:v8'

/**
 * Has V8 compile what runs often with its best compiler, and soon. As it comes it does so after 3,000 calls, by way of a
 * compiler in between: a command or a message calls each of a great many functions a few times, so that half of them stay
 * with the one in between for the first 20,000 messages, and switch back and forth afterwards. Measured in
 * docs/performance.md. For threads that start afterwards.
 */
export function compileEarly(): void {
  setFlagsFromString('--no-maglev')
  setFlagsFromString('--invocation-count-for-turbofan=400')
}
