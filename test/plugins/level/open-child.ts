/** Opens and closes a store, and prints what a person would be told. */
import { openStore } from './open-store.ts'

const [dataDir] = process.argv.slice(2) as [string]
try {
  await (await openStore(dataDir)).close()
  process.stdout.write('opened\n')
} catch (error) {
  const cause = (error as Error).cause as Error
  process.stdout.write(`${cause.name}: ${cause.message}\n`)
}
