/** What the simulator makes of the world where no scenario shows it. */
import { describe, expect, test } from 'vitest';
import { exampleOf } from '../../../../domain/journey/simulate/example.js';
import { usualResult } from '../../../../domain/journey/simulate/usual-results.js';
import { valueFaults } from '../../../../domain/journey/json-schema.js';
import type { JsonSchema } from '../../../../domain/journey/json-schema.js';
import { hour } from '../../../../domain/time.js';
import { aTemplate, done, lost, manual, on } from '../builders.js';
import { C1, differing, play } from './play.js';

describe('an action of which the script says nothing', () => {
  const schemas: [JsonSchema, unknown][] = [
    [{}, {}],
    [
      { type: 'object', properties: { a: { type: 'number', minimum: 3 }, b: { type: 'boolean' } }, required: ['a'] },
      { a: 3, b: true },
    ],
    [{ type: 'string', minLength: 9 }, 'example--'],
    [{ type: 'string', maxLength: 3 }, 'exa'],
    [{ type: 'integer', maximum: -5 }, -5],
    [{ type: 'number', minimum: 0.5 }, 1],
    [{ type: 'array', items: { type: 'string' }, minItems: 2 }, ['example', 'example']],
    [{ type: 'array' }, []],
    [{ enum: ['x', 'y'] }, 'x'],
    [{ const: 4 }, 4],
    [{ type: 'number', default: 9 }, 9],
    [{ type: 'null' }, null],
  ];
  test.each(schemas)('brings an example of %j', (schema, example) => {
    expect(exampleOf(schema)).toEqual(example);
    expect(valueFaults(schema, exampleOf(schema))).toEqual([]);
  });

  test('brings what follows from its input instead', () => {
    const output: JsonSchema = { type: 'object', properties: { score: { type: 'number' } } };
    expect(usualResult('crm.qualify_lead@1', { output }, { leadScore: 80 })).toEqual({ score: 80 });
    expect(usualResult('crm.qualify_lead@1', { output }, { qualificationScore: 60 })).toEqual({ score: 60 });
    expect(usualResult('crm.qualify_lead@1', { output }, {})).toEqual({ score: 0 });
    expect(usualResult('ticket.triage@1', undefined, { category: 'billing' })).toEqual({ category: 'billing' });
    expect(usualResult('nobody.knows@1', undefined, {})).toEqual({});
  });

  test('which then stands in the journey', async () => {
    const call = { kind: 'automated', action: 'score@1', output: { score: 'steps.call.output.score' }, ...on };
    const template = aTemplate({ call }, { context: { score: { schema: { type: 'number' } } } });
    expect(await differing({ expect: [{ at: '+0s', context: { score: 3 } }] }, template)).toEqual([]);
  });
});

describe('errors', () => {
  const call = { kind: 'automated', action: 'do@1', ...on };
  const attempts = (error: string, count: number) =>
    differing(
      { events: [{ at: '+0s', fail: 'call', error, times: 9 }], expect: [{ at: '+1h', step: 'call', attempts: count, state: 'incident' }] },
      aTemplate({ call }),
    );
  test('that may be different next time are tried again', async () => expect(await attempts('Unavailable', 3)).toEqual([]));
  test('that an action declares as its refusal are not', async () => expect(await attempts('card_declined', 1)).toEqual([]));
});

describe('settings', () => {
  test('attempts of steps that say nothing', async () => {
    const call = { kind: 'automated', action: 'do@1', ...on };
    const script = {
      config: { retryAttempts: 5 },
      events: [{ at: '+0s', fail: 'call', error: 'Unavailable', times: 9 }],
      expect: [{ at: '+1h', step: 'call', attempts: 5, state: 'incident' }],
    };
    expect(await differing(script, aTemplate({ call }))).toEqual([]);
    const own = aTemplate({ call: { ...call, retry: { maxAttempts: 2 } } });
    expect(await differing(script, own)).toEqual([['call', 'attempts', 5, 2]]);
  });

  test('how long an automatic acceptance may take in all', async () => {
    const give = { kind: 'handoff', from: 'crm', to: 'field-ops', mode: 'automatic', ...on };
    const script = {
      config: { handoffTimeout: 20_000 },
      events: [{ at: '+0s', fail: 'give', error: 'timeout', times: 9 }],
      expect: [{ at: '+20s', step: 'give', state: 'incident', reason: 'handoff_timeout', attempts: 1 }],
    };
    expect(await differing(script, aTemplate({ give }))).toEqual([]);
  });
});

const started = async (rrule: string, until: string) => {
  const template = aTemplate(
    { done: { kind: 'end', outcome: 'done', result: 'won' } },
    {
      input: { type: 'object', properties: { customerId: { type: 'string' } } },
      subject: { type: 'customer', id: 'input.customerId' },
      triggers: [{ id: 'weekly', kind: 'schedule', rrule, zone: 'Europe/Berlin' }],
    },
  );
  const { entries } = await play(
    { start: { at: '2026-01-05T09:00:00Z' }, expect: [{ emitted: 'journey.started', times: 0, at: until }] },
    template,
  );
  return entries.map(({ at }) => new Date(at).toISOString());
};

describe('schedules', () => {
  test('ask at their turns, in their zone', async () => {
    expect(await started('FREQ=WEEKLY;BYDAY=MO;BYHOUR=9', '+15d')).toEqual(['2026-01-12T08:00:00.000Z', '2026-01-19T08:00:00.000Z']);
    expect(await started('FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;BYHOUR=9', '+29d')).toHaveLength(2);
    expect(await started('FREQ=DAILY;BYHOUR=6,18;BYMINUTE=30', '+1d')).toEqual(['2026-01-05T17:30:00.000Z', '2026-01-06T05:30:00.000Z']);
    expect(await started('FREQ=HOURLY', '+2h')).toHaveLength(3);
  });
});

describe('a child journey', () => {
  const parent = aTemplate({ child: { kind: 'journey', key: 'nobody', ...on } });
  test('of a template that is not there fails its step', async () => {
    const expected = [{ at: '+1h', step: 'child', state: 'incident', reason: 'action_failed' }];
    expect(await differing({ expect: expected }, parent)).toEqual([]);
  });

  test('whose input does not fit fails its step, and so does one that is refused', async () => {
    const child = aTemplate(
      {},
      {
        key: 'nobody',
        input: { type: 'object', properties: { customerId: { type: 'string' }, plan: { type: 'string' } }, required: ['plan'] },
      },
    );
    const never = aTemplate({}, { key: 'nobody', entry: { reentry: 'never', maxEntries: 1, audience: 'subject.vip == true' } });
    const expected = [{ at: '+1h', step: 'child', state: 'incident', reason: 'action_failed' }];
    expect(await differing({ expect: expected }, parent, child)).toEqual([]);
    expect(await differing({ expect: expected }, parent, never)).toEqual([]);
  });
});

const whom = (id: string) => ({ type: 'customer', id });

describe('who would be let in', () => {
  const rest = { rest: { kind: 'wait', for: 'P1D', ...on } };
  const template = aTemplate(rest, {
    entry: { audience: 'subject.vip == true', reentry: 'never' },
    triggers: [{ id: 'usage', kind: 'condition', when: 'subject.usage > 80', map: { customerId: 'subject.id' } }],
  });

  test('is asked without letting anybody in', async () => {
    const subject = { type: 'customer', id: 'C1', vip: true, usage: 10 };
    const script = {
      start: { at: '2026-01-05T09:00:00Z' },
      events: [
        { at: '+1h', subject },
        { at: '+1h', subject: { ...subject, id: 'C2', vip: false } },
      ],
    };
    const { wouldEnter, run } = await play(script, template);
    expect(wouldEnter(whom('C1')).outcome).toEqual({ kind: 'start', entry: 1 });
    expect(wouldEnter(whom('C1')).triggers.map(({ id, match }) => [id, match.verdict])).toEqual([['usage', 'false']]);
    expect(wouldEnter(whom('C2'))).toMatchObject({ outcome: { kind: 'refuse', reason: 'audience' }, audience: { verdict: 'false' } });
    expect(wouldEnter(whom('C3'))).toMatchObject({ outcome: { kind: 'refuse', reason: 'guard_error' } });
    expect(wouldEnter(whom('not an id'))).toMatchObject({ outcome: { kind: 'invalid' } });
    expect(run.journeys).toEqual([]);
  });
});

test('the same script gives the same bytes', async () => {
  const template = aTemplate({ work: { kind: 'manual', assign: { roles: ['sales'] }, outcomes: ['fine'], ...on } });
  const script = { people: { sam: ['sales'] }, events: [{ at: '+1h', complete: 'work', outcome: 'fine' }] };
  const [first, again] = await Promise.all([play(script, template), play(script, template)]);
  expect(JSON.stringify(again.run)).toBe(JSON.stringify(first.run));
});

test('ninety days with a message on each take less than a second', async () => {
  const loop = aTemplate(
    {
      rest: { kind: 'wait', for: 'P1D', transitions: [{ to: 'tell' }] },
      tell: { kind: 'touchpoint', channel: 'email', template: 'x', transitions: [{ to: 'rest' }] },
    },
    { limits: { maxVisitsPerStep: 1_000 } },
  );
  const script = { expect: [{ at: '+90d', status: 'active' }] };
  // What the processor did, not how long it had to wait for its turn.
  const before = process.cpuUsage();
  const { run } = await play(script, loop);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(1_000);
  expect(run.touchpoints).toHaveLength(90);
});

describe('texts', () => {
  const note = { schema: { type: 'string' }, pii: true };
  const ask = { ask: { ...manual, outcomes: ['fine'], form: { type: 'object', properties: { note: { type: 'string' } } } } };
  const template = aTemplate(ask, {
    input: { type: 'object', properties: { customerId: { type: 'string' }, note: { type: 'string' } } },
    context: { note },
    steps: {
      ...ask,
      ask: {
        ...ask.ask,
        transitions: [
          { to: 'done', when: 'context.note.contains("second")' },
          { to: 'gone', default: true },
        ],
      },
      done,
      gone: lost,
    },
  });

  test('travel as ids, are read by guards, and are shown', async () => {
    const script = {
      start: { at: '2026-01-05T09:00:00Z', subject: C1, input: { note: 'a first text' } },
      events: [
        { at: '+1h', context: { note: 'a second text' }, by: 'ann' },
        { at: '+2h', complete: 'ask', outcome: 'fine' },
      ],
      expect: [
        { at: '+0s', context: { note: 'a first text' } },
        { at: '+1h', context: { note: 'a second text' } },
        { ended: 'won', at: '+2h' },
      ],
    };
    expect(await differing(script, template)).toEqual([]);
    const { run } = await play(script, template);
    expect(JSON.stringify(run.events)).not.toContain('second text');
  });

  test('attached by a second start fill what is empty', async () => {
    const signalled = { ...template, entry: { onDuplicate: 'signal' } };
    const again = { at: '+1h', start: { subject: C1, input: { note: 'a later text' } } };
    expect(await differing({ events: [again], expect: [{ at: '+1h', context: { note: 'a later text' } }] }, signalled)).toEqual([]);
  });
});

describe('a message that quiet hours hold', () => {
  const night = { kind: 'touchpoint', channel: 'email', template: 'x', quietHours: { from: '08:00', to: '12:00' }, ...on };
  const left = { exits: [{ id: 'left', on: 'crm:left', outcome: 'left', result: 'lost' }] };
  const script = { events: [{ at: '+1h', event: { type: 'crm:left', customerId: 'C1' } }], expect: [{ at: '+1d', status: 'completed' }] };

  test('is not sent when its journey has been left before', async () => {
    const { run } = await play(script, aTemplate({ mail: { ...night, advance: false } }, left));
    expect(run.touchpoints).toEqual([]);
    expect(run.journeys[0]?.view).toMatchObject({ status: 'completed', result: 'lost' });
  });

  test('is sent when its time has come', async () => {
    const { run } = await play({ expect: script.expect }, aTemplate({ mail: { ...night, advance: false } }, left));
    expect(run.touchpoints.map(({ at, outcome, heldFrom }) => [at - run.startedAt, outcome, (heldFrom ?? 0) - run.startedAt])).toEqual([
      [3 * hour, 'sent', 0],
    ]);
  });
});

describe('repairs', () => {
  const call = { kind: 'automated', action: 'do@1', input: { customer: 'input.customerId' }, ...on };

  test('retry with another input, goto with variables', async () => {
    const template = aTemplate(
      {
        call,
        look: {
          kind: 'decision',
          transitions: [
            { to: 'done', when: 'context.score > 5' },
            { to: 'gone', default: true },
          ],
        },
        gone: lost,
      },
      {
        context: { score: { schema: { type: 'number' } } },
        steps: {
          call: { ...call, transitions: [{ to: 'look' }] },
          look: {
            kind: 'decision',
            transitions: [
              { to: 'done', when: 'context.score > 5' },
              { to: 'gone', default: true },
            ],
          },
          done,
          gone: lost,
        },
      },
    );
    const script = {
      events: [
        { at: '+0s', fail: 'call', error: 'Unavailable', times: 3 },
        { at: '+1h', operator: 'retry', step: 'call', input: { customer: 'C2' } },
        { at: '+2h', operator: 'goto', to: 'look', context: { score: 9 }, reason: 'a score is there' },
      ],
      expect: [
        { at: '+1h', step: 'look', state: 'incident', reason: 'guard_error' },
        { ended: 'won', at: '+2h' },
      ],
    };
    expect(await differing(script, template)).toEqual([]);
  });

  test('a template is paused, resumed and cancelled with all its instances', async () => {
    const rest = aTemplate({ rest: { kind: 'wait', for: 'P9D', ...on } });
    const script = {
      events: [
        { at: '+1h', start: { subject: { type: 'customer', id: 'C2' } } },
        { at: '+2h', operator: 'pause', scope: 'template' },
        { at: '+3h', operator: 'pause', scope: 'template', refused: 'journey_paused' },
        { at: '+4h', operator: 'resume', scope: 'template' },
        { at: '+5h', operator: 'cancel', scope: 'template' },
        { at: '+6h', start: { subject: { type: 'customer', id: 'C3' } } },
      ],
      expect: [
        { at: '+2h', status: 'paused' },
        { at: '+2h', status: 'paused', journey: 2 },
        { at: '+4h', status: 'active' },
        { ended: 'cancelled', at: '+5h' },
        { ended: 'cancelled', at: '+5h', journey: 2 },
        { at: '+6h', status: 'active', journey: 3 },
      ],
    };
    expect(await differing(script, rest)).toEqual([]);
  });
});

test('an event sent twice is one to whoever waits, and one entry to whoever it starts', async () => {
  const template = aTemplate(
    { rest: { kind: 'wait', for: 'PT1H', ...on } },
    { triggers: [{ id: 'asked', kind: 'event', type: 'crm:asked', map: { customerId: 'event.customerId' } }] },
  );
  const event = { id: 'e1', type: 'crm:asked', customerId: 'C1' };
  const script = {
    start: { at: '2026-01-05T09:00:00Z' },
    events: [
      { at: '+1h', event },
      { at: '+3h', event, refused: 'duplicate_event' },
      { at: '+2d', event },
    ],
    expect: [
      { emitted: 'journey.started', times: 2 },
      { emitted: 'journey.entry.refused', reason: 'duplicate_event', at: '+3h' },
    ],
  };
  expect(await differing(script, template)).toEqual([]);
});
