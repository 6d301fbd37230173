import { authenticate } from '../kernel/moments.ts'
import { definePlugin } from '../kernel/plugin.ts'
import { engine } from '../store/engine.ts'
import { mailStore } from '../store/mail-store.ts'
import { authenticator, directory } from './directory.ts'
import { DirectoryData } from './directory-data.ts'
import { directoryOptions } from './directory-options.ts'
import { GeneratedPasswords } from './generated-passwords.ts'
import { HashGate } from './hash-gate.ts'
import { HASH_LIMITS, HashQueue } from './hash-queue.ts'
import { DIRECTORY } from './layout.ts'
import { LoginAdmission } from './login-admission.ts'
import { OtherLogins } from './other-logins.ts'
import { isHash } from './password.ts'
import { PasswordAuthenticator } from './password-authenticator.ts'
import { oauthBearer, xoauth2 } from './sasl/bearer.ts'
import { external } from './sasl/external.ts'
import { saslOf } from './sasl/mechanisms.ts'
import { login, plain } from './sasl/plain.ts'
import { sasl } from './sasl/sasl.ts'
import { scram } from './sasl/scram.ts'
import { ScramAuthenticator } from './scram-authenticator.ts'
import { serverSecret } from './server-secret.ts'
import { StoreDirectory } from './store-directory.ts'

/** Who exists here, and who is who. */
export const directoryPlugin = definePlugin({
  name: 'directory',
  apiVersion: '^1',
  options: directoryOptions,
  needs: { engine, store: mailStore },
  provides: { directory, authenticator, sasl },
  supervise() {
    const shared = HashGate.shared()
    return { shared, workerExited: (worker) => new HashGate(shared, worker).leave() }
  },
  setup({ options, services, server, run, clock, shared }) {
    const data = new DirectoryData(services.engine, options)
    const generated = new GeneratedPasswords(server.dataDir)
    const people = new StoreDirectory({ ...services, data, run, clock, generated })
    const admission = new LoginAdmission(clock)
    const gate = new HashGate(shared instanceof SharedArrayBuffer ? shared : undefined, server.worker)
    const hashes = new HashQueue(HASH_LIMITS, gate)
    const passwords = new PasswordAuthenticator({ data, run, clock, hashes, admission })
    let secret: Buffer | undefined
    const scrams = new ScramAuthenticator({
      data,
      hashes,
      admission,
      secret: () => {
        if (secret === undefined) throw new Error('the secret is there once the directory has started')
        return secret
      },
      // Who is offered it takes it: an account that only an argon2id hash or a plugin knows could not log in.
      isOffered: () =>
        !run.isHandled(authenticate) && data.configuredAccounts.every(({ password }) => !isHash(password ?? '')),
    })
    const others = new OtherLogins({ data, run, admission })
    const mechanisms = saslOf([
      ['EXTERNAL', external(others)],
      ['SCRAM-SHA-256-PLUS', scram(scrams, { plus: true })],
      ['SCRAM-SHA-256', scram(scrams, { plus: false })],
      ['OAUTHBEARER', oauthBearer(others)],
      ['XOAUTH2', xoauth2(others)],
      ['PLAIN', plain(passwords)],
      ['LOGIN', login(passwords)],
    ])
    let unwatch = () => {}
    return {
      services: { directory: people, authenticator: passwords, sasl: mechanisms },
      async start() {
        unwatch = services.engine.watch(DIRECTORY, () => {
          data.invalidate()
          passwords.forget()
        })
        secret = await serverSecret(services.engine)
        await people.adoptConfigured()
      },
      stop: () => unwatch(),
    }
  },
})
