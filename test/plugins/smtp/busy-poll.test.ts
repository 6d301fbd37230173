import { describe, expect, it } from 'vitest'
import { BusyPoll } from '../../../plugins/smtp/busy-poll.ts'

/** A loop whose turns take 5 µs, and peers that answer so many turns after a reply, or not at all while it stays awake. */
class Loop {
  readonly poll = new BusyPoll({
    now: () => this.#now,
    nextTurn: (look) => {
      this.#look = look
    },
  })
  #now = 0
  #look: (() => void) | undefined

  /** @returns how many turns the loop was kept awake */
  wait(peer: FakePeer, answersAfter: number): number {
    this.poll.expect(peer)
    let turns = 0
    for (let at = 0; this.#look !== undefined; at++) {
      const look = this.#look
      this.#look = undefined
      this.#now += 0.005
      if (at === answersAfter) peer.bytesRead += 10
      look()
      turns += 1
    }
    if (turns <= answersAfter) peer.bytesRead += 10
    return turns
  }

  repeat(times: number, peer: FakePeer, answersAfter: number): number {
    let sum = 0
    for (let at = 0; at < times; at++) sum += this.wait(peer, answersAfter)
    return sum
  }
}

class FakePeer {
  bytesRead = 0
  destroyed = false
}

const NEVER = 1_000

describe('the loop is kept awake after a reply', () => {
  it('until the peer answers', () => {
    const loop = new Loop()
    expect(loop.repeat(100, new FakePeer(), 7)).toBe(800)
  })

  it('for a fifth of a millisecond at most', () => {
    expect(new Loop().wait(new FakePeer(), NEVER)).toBeLessThanOrEqual(41)
  })

  it('hardly ever for a peer that is far away, and again once one is near', () => {
    const loop = new Loop()
    expect(loop.repeat(1_000, new FakePeer(), NEVER)).toBeLessThan(20 * 41)
    const near = new FakePeer()
    loop.repeat(65, near, 3)
    expect(loop.repeat(100, near, 3)).toBe(400)
  })

  it('not while two are served at a time', () => {
    const loop = new Loop()
    const first = new FakePeer()
    loop.poll.expect(first)
    expect(loop.repeat(256, new FakePeer(), 3)).toBeLessThanOrEqual(1)
    expect(loop.repeat(100, first, 3)).toBeGreaterThan(390)
  })

  it('for the next connection when the one before has ended', () => {
    const loop = new Loop()
    for (let at = 0; at < 100; at++) {
      const peer = new FakePeer()
      expect(loop.wait(peer, 3)).toBe(4)
      loop.poll.expect(peer)
      peer.destroyed = true
    }
  })
})
