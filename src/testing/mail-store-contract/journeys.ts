import assert from 'node:assert/strict'
import { silentLog } from '../../kernel/log.ts'
import type { JourneyEvent, JourneySubject } from '../../store/journey.ts'
import { createJourneys } from '../../store/journeys/create-journeys.ts'
import { counting } from './engines.ts'
import { countKeys, inWorld, type MailStoreCase, type World } from './world.ts'

const SPACES = ['journey', 'journey-events', 'journey-found', 'journey-expiry']

const journeysOf = ({ engine, clock }: World) => createJourneys({ engine, clock, log: silentLog })

const subject = (id: string, more: Partial<JourneySubject> = {}): JourneySubject => ({
  id,
  messageIdHeader: `<${id}@example.test>`,
  sender: 'Alice@Example.test',
  recipients: ['bob@example.test', 'carol@example.test'],
  ...more,
})

const event = ({ clock }: World, step: string): JourneyEvent => ({ at: clock.now(), step, text: `it was ${step}` })

export const JOURNEY_CASES: readonly MailStoreCase[] = [
  inWorld('finds a journey by id, Message-ID or address, in any case, newest first', async (world) => {
    const journeys = journeysOf(world)
    for (const id of ['first', 'second', 'third']) {
      await world.clock.advance(1000)
      await world.engine.transact([], async (tx) => journeys.beginIn(tx, subject(id), [event(world, 'received')]))
    }
    const ids = async (query: string, limit?: number) =>
      (await journeys.find(query, limit)).map((journey) => journey.subject.id)
    assert.deepEqual(await ids('second'), ['second'])
    assert.deepEqual(await ids('<second@example.test>'), ['second'])
    assert.deepEqual(await ids('Second@example.test'), ['second'])
    assert.deepEqual(await ids('alice@EXAMPLE.test'), ['third', 'second', 'first'])
    assert.deepEqual(await ids('bob@example.test', 2), ['third', 'second'])
    assert.deepEqual(await ids('nobody@example.test'), [])
    assert.deepEqual(await ids(''), [])
  }),

  inWorld('tells the events of a journey in the order they happened, whoever wrote them', async (world) => {
    const journeys = journeysOf(world)
    const [early, late] = [event(world, 'connection'), { ...event(world, 'attempt'), at: world.clock.now() + 5 }]
    const detail = { ...event(world, 'stored'), plugin: 'level', detail: { octets: 5, ok: true } }
    await world.engine.transact([], async (tx) => {
      journeys.beginIn(tx, subject('one'), [early, detail])
      journeys.appendIn(tx, 'one', [late])
      journeys.appendIn(tx, 'one', [])
    })
    await world.clock.advance(10)
    const last = event(world, 'delivered')
    await world.engine.transact([], async (tx) => journeys.appendIn(tx, 'one', [last]))
    assert.deepEqual(await journeys.find('one'), [{ subject: subject('one'), events: [early, detail, late, last] }])
  }),

  inWorld('writes nothing of a journey whose transaction fails', async (world) => {
    const journeys = journeysOf(world)
    const work = world.engine.transact([], async (tx) => {
      journeys.beginIn(tx, subject('one'), [event(world, 'received')])
      throw new Error('no')
    })
    await assert.rejects(work)
    for (const space of SPACES) assert.equal(await countKeys(world.engine, space), 0)
  }),

  inWorld('forgets a journey, and all that led to it, once its last event is old', async (world) => {
    const journeys = journeysOf(world)
    const { engine, clock } = world
    await engine.transact([], async (tx) => {
      journeys.beginIn(tx, subject('short'), [event(world, 'received')])
      journeys.beginIn(tx, subject('long', { recipients: ['dave@example.test'] }), [event(world, 'received')])
    })
    await clock.advance(60_000)
    await engine.transact([], async (tx) => journeys.appendIn(tx, 'long', [event(world, 'delivered')]))
    await clock.advance(1)
    await journeys.expire(60_000)
    assert.deepEqual(await journeys.find('short'), [])
    assert.deepEqual(
      (await journeys.find('alice@example.test')).map((journey) => journey.events.length),
      [2],
    )
    await clock.advance(60_000)
    await journeys.expire(60_000)
    for (const space of SPACES) assert.equal(await countKeys(engine, space), 0, space)
  }),

  inWorld('forgets many journeys in batches', async (world) => {
    const journeys = journeysOf(world)
    await world.engine.transact([], async (tx) => {
      for (let at = 0; at < 450; at++) journeys.beginIn(tx, subject(`j${at}`), [event(world, 'received')])
    })
    await journeys.expire(0)
    for (const space of SPACES) assert.equal(await countKeys(world.engine, space), 0, space)
  }),

  {
    title: 'writes the journeys of a flood of refused mail in few commits, and bounds what waits',
    async run(open) {
      const counter = counting()
      await inWorld(
        '',
        async (world) => {
          const journeys = journeysOf(world)
          const before = counter.commits
          for (let at = 0; at < 10_000; at++) {
            journeys.recordRefused(subject(`r${at}`, { recipients: [] }), [event(world, 'rcpt-to')])
          }
          assert.equal((await journeys.find('r0')).length, 1)
          await journeys.flush()
          assert.ok(counter.commits - before <= 20, `${counter.commits - before} commits`)
          const written = await countKeys(world.engine, 'journey')
          assert.ok(written > 4000 && written < 5000, `${written} journeys`)
          journeys.recordRefused(subject('later'), [event(world, 'rcpt-to')])
          await world.clock.advance(1000)
          await journeys.flush()
          assert.equal(await countKeys(world.engine, 'journey'), written + 1)
        },
        { engine: counter.wrap },
      ).run(open)
    },
  },

  inWorld('writes a refused journey without being asked', async (world) => {
    const journeys = journeysOf(world)
    journeys.recordRefused(subject('one'), [event(world, 'helo')])
    assert.equal(await countKeys(world.engine, 'journey'), 0)
    await world.clock.advance(1000)
    for (let turn = 0; turn < 200 && (await countKeys(world.engine, 'journey')) === 0; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    assert.equal(await countKeys(world.engine, 'journey'), 1)
  }),

  inWorld('takes words of any length', async (world) => {
    const journeys = journeysOf(world)
    const long = `<${'é'.repeat(2000)}@example.test>`
    await world.engine.transact([], async (tx) => {
      journeys.beginIn(tx, subject('one', { messageIdHeader: long }), [event(world, 'received')])
    })
    assert.equal((await journeys.find(long)).length, 1)
  }),
]
