import { definePlugin } from '../kernel/plugin.ts'
import { engine } from '../store/engine.ts'
import { mailStore } from '../store/mail-store.ts'
import { authenticator, directory } from './directory.ts'
import { DirectoryData } from './directory-data.ts'
import { directoryOptions } from './directory-options.ts'
import { GeneratedPasswords } from './generated-passwords.ts'
import { DIRECTORY } from './layout.ts'
import { PasswordAuthenticator } from './password-authenticator.ts'
import { StoreDirectory } from './store-directory.ts'

/** Who exists here, and who is who. */
export const directoryPlugin = definePlugin({
  name: 'directory',
  apiVersion: '^1',
  options: directoryOptions,
  needs: { engine, store: mailStore },
  provides: { directory, authenticator },
  setup({ options, services, server, run, clock }) {
    const data = new DirectoryData(services.engine, options)
    const generated = new GeneratedPasswords(server.dataDir)
    const people = new StoreDirectory({ ...services, data, run, clock, generated })
    const checker = new PasswordAuthenticator(data, run, clock)
    let unwatch = () => {}
    return {
      services: { directory: people, authenticator: checker },
      async start() {
        unwatch = services.engine.watch(DIRECTORY, () => {
          data.invalidate()
          checker.forget()
        })
        await people.adoptConfigured()
      },
      stop: () => unwatch(),
    }
  },
})
