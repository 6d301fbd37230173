import { expect, it } from 'vitest'
import { eventually, run } from '../support/peer.ts'
import { startPostfix } from '../support/postfix.ts'
import { describeWith } from '../support/programs.ts'

describeWith(['postfix', 'swaks'], 'the Postfix that other tests use', () => {
  it('takes mail for its users, refuses others, and keeps both over a restart', { timeout: 30_000 }, async () => {
    await using postfix = await startPostfix({ users: ['alice@postfix.test'] })
    const send = (to: string) =>
      run('swaks', ['--server', `127.0.0.1:${postfix.port}`, '--to', to, '--from', 'a@b.test'])
    expect((await send('alice@postfix.test')).code).toBe(0)
    expect((await send('nobody@postfix.test')).stdout).toContain('550 5.1.1')
    await eventually(() => postfix.messages('alice@postfix.test').length === 1)
    await postfix.stop()
    expect((await send('alice@postfix.test')).code).not.toBe(0)
    await postfix.start()
    expect((await send('alice@postfix.test')).code).toBe(0)
    await eventually(() => postfix.messages('alice@postfix.test').length === 2)
    expect((await postfix.sendmail(['-f', 'a@b.test', 'alice@postfix.test'], 'Subject: x\n\ny\n')).code).toBe(0)
    await eventually(() => postfix.messages('alice@postfix.test').length === 3)
    expect(await postfix.queue()).toContain('empty')
  })
})
