import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { EXIT, UserError } from '../errors/user-error.ts'

const SEARCH_PLACES = ['ts', 'mts', 'js', 'mjs'].map((extension) => `mailserver.config.${extension}`)

/**
 * Absolute path of the config file: the one that is named, or the nearest from `from` upwards to the project's root.
 * @throws UserError (exit code 78) when there is none
 */
export async function findConfig(named: string | undefined, from: string): Promise<string> {
  if (named !== undefined) {
    const file = resolve(from, named)
    try {
      await access(file)
      return file
    } catch (cause) {
      throw new UserError(`The configuration file ${file} cannot be read.`, {
        exitCode: EXIT.badConfig,
        nextSteps: ['Name the file that you mean with -c FILE.'],
        cause,
      })
    }
  }
  const { cosmiconfig } = await import('cosmiconfig')
  const asPath = (path: string) => path
  const explorer = cosmiconfig('mailserver', {
    searchPlaces: SEARCH_PLACES,
    searchStrategy: 'project',
    loaders: { '.ts': asPath, '.mts': asPath, '.js': asPath, '.mjs': asPath },
    ignoreEmptySearchPlaces: false,
  })
  const found = await explorer.search(from)
  if (found !== null) return found.filepath
  throw new UserError(`There is no ${SEARCH_PLACES[0]} in ${from} or above it.`, {
    exitCode: EXIT.badConfig,
    nextSteps: ['Make one with: mailserver init .', 'Or name one with -c FILE.'],
  })
}
