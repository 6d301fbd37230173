import { describe, expect, it } from 'vitest'
import type { JourneyEvent, JourneySubject } from '../../src/store/journey.ts'
import { decodeEvents, decodeJourney, encodeEvents, encodeJourney } from '../../src/store/journeys/journey-codec.ts'

const AT = Date.UTC(2026, 0, 1)
const EVENTS: readonly JourneyEvent[] = [
  { at: AT, step: 'connection', text: 'smtp from 192.0.2.1', detail: { session: 'abc', tls: false } },
  { at: AT + 2, step: 'helo', text: 'ünï "quoted"\n' },
  // The clock was set back.
  { at: AT - 5_000, step: 'hook', plugin: 'rspamd', text: 'accept', detail: { ms: 1.5 } },
  { at: AT + 0.25, step: 'hook', plugin: 'clamav', text: '' },
]
const SUBJECTS: readonly JourneySubject[] = [
  { id: 'one', messageIdHeader: '<1@a.test>', sender: 'a@a.test', recipients: ['b@b.test', 'c@c.test'] },
  { id: 'two', recipients: [] },
]

describe('a journey as it is stored', () => {
  for (const subject of SUBJECTS) {
    it(`comes back as it was: ${subject.id}`, () => {
      const journey = { beganAt: AT, subject, events: EVENTS }
      expect(decodeJourney(encodeJourney(journey))).toEqual(journey)
      expect(decodeEvents(encodeEvents(EVENTS))).toEqual(EVENTS)
    })

    it(`is read as it was written before version 2: ${subject.id}`, () => {
      const journey = { beganAt: AT, subject, events: EVENTS }
      expect(decodeJourney(Buffer.from(JSON.stringify({ version: 1, ...journey })))).toMatchObject(journey)
      expect(decodeEvents(Buffer.from(JSON.stringify(EVENTS)))).toEqual(EVENTS)
    })
  }

  it('takes little more than what it says', () => {
    const said = EVENTS.reduce((sum, { step, text, plugin = '', detail = {} }) => {
      return sum + step.length + text.length + plugin.length + JSON.stringify(detail).length
    }, 0)
    expect(encodeEvents(EVENTS).length).toBeLessThan(said + EVENTS.length * 20)
  })
})
