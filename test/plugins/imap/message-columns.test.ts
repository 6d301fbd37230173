import { expect, it } from 'vitest'
import { MessageColumns } from '../../../plugins/imap/message-columns.ts'
import { imapWorld, mail } from './support/imap-world.ts'

it('knows the first unseen message, whatever comes, goes and changes', () => {
  const columns = new MessageColumns()
  const seen = new Map<number, boolean>()
  let state = 7
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % limit
  }
  const flags = (isSeen: boolean) => (isSeen ? ['\\Answered', '\\seen'] : ['\\Answered'])
  const common = { internalDate: 0, size: 1 }
  for (let turn = 1; turn <= 3000; turn++) {
    const uids = [...seen.keys()]
    const uid = uids[below(uids.length || 1)] ?? 0
    const isSeen = below(4) !== 0
    const what = below(3)
    if (what === 0 || uids.length === 0) {
      columns.add({ ...common, uid: turn, flags: flags(isSeen), modSeq: BigInt(turn) })
      seen.set(turn, isSeen)
    } else if (what === 1) {
      columns.update(columns.rowOf(uid, -1), { ...common, uid, flags: flags(isSeen), modSeq: BigInt(turn) })
      seen.set(uid, isSeen)
    } else if (below(2) === 0) {
      columns.remove(new Set([uid]))
      seen.delete(uid)
    }
    // Not asked every time: what is remembered must hold over several changes.
    if (below(3) === 0) expect(columns.firstUnseen(), `turn ${turn}`).toBe([...seen.values()].indexOf(false))
  }
})

it('tells SELECT the number of the first unseen message', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('1'), mail('2'), mail('3'))
  const [one, two] = [await world.login(), await world.login()]
  const unseen = async () => (await one.ok('SELECT INBOX')).find((line) => line.includes('UNSEEN'))
  expect(await unseen()).toBe('* OK [UNSEEN 1] First unseen')
  await two.ok('SELECT INBOX')
  await two.ok('STORE 1:2 +FLAGS (\\Seen)')
  expect(await unseen()).toBe('* OK [UNSEEN 3] First unseen')
  await two.ok('STORE 2 -FLAGS (\\Seen)')
  expect(await unseen()).toBe('* OK [UNSEEN 2] First unseen')
  await two.ok('STORE 1 +FLAGS (\\Deleted)')
  await two.ok('EXPUNGE')
  expect(await unseen()).toBe('* OK [UNSEEN 1] First unseen')
  await two.ok('STORE 1:* +FLAGS (\\Seen)')
  expect(await unseen()).toBeUndefined()
})
