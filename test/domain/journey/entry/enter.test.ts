/** One entry from what is asked to what came of it. Source: journeys.md, sections 1, 2, 10 and 13. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { EntryPorts, EntryQuestion } from '../../../../domain/journey/entry/enter.js';
import { journeyIdPattern } from '../../../../domain/journey/entry/id.js';
import { day, hour } from '../../../../domain/time.js';
import { aCall, anEvent, aTrigger, byEvent, compiled } from './scene.js';
import { World } from './world.js';

let world: World;
beforeEach(() => {
  world = new World();
});

const converted = aTrigger({
  id: 'converted',
  type: 'crm:lead_converted',
  map: { customerId: 'event.customerId', leadId: 'event.leadId' },
});
const created = aTrigger({ id: 'created', type: 'crm:customer_created', map: { customerId: 'event.customerId', kind: 'event.data.kind' } });

test('a call starts a journey under an id that follows from the entry', async () => {
  const outcome = await world.enter(compiled(), aCall({ customerId: 'C1' }), { requester: 'ann', actor: 'user/ann' });
  const [journey] = world.journeys;
  expect(outcome).toEqual({ kind: 'started', journeyId: journey?.journeyId });
  expect(journey).toMatchObject({
    entry: 1,
    entryKey: 'customer/C1',
    subject: { type: 'customer', id: 'C1' },
    input: { customerId: 'C1' },
    requester: 'ann',
    trigger: null,
    template: { key: 'sample', version: 1, hash: 'h' },
  });
  expect(journey?.journeyId).toMatch(journeyIdPattern);
  expect(world.notes).toMatchObject([{ result: 'started', reason: null, journeyId: journey?.journeyId, trigger: null, eventId: null }]);
});

test('a template without declared fields takes any', async () => {
  await world.enter(compiled({ input: undefined }), aCall({ customerId: 'C1', issue: 'two words' }));
  expect(world.journeys[0]?.input).toEqual({ customerId: 'C1', issue: { $ref: 'k-1/issue' } });
});

test('an event starts one, and the journey knows by which trigger', async () => {
  await world.enter(compiled(), byEvent(converted, anEvent({ leadId: 'L1' })));
  expect(world.journeys).toMatchObject([
    { trigger: { id: 'converted', eventId: 'e-1' }, input: { customerId: 'C1', leadId: 'L1' }, requester: null },
  ]);
});

const appointment = (id: string) => anEvent({ id, type: 'APPOINTMENT_UPDATE', data: { appointmentId: 'A7' } });

test('a trigger without an event leaves no event behind', async () => {
  await world.enter(compiled(), aCall({ customerId: 'C1' }, { trigger: aTrigger() }));
  expect(world.journeys).toMatchObject([{ trigger: { id: 'converted', eventId: null } }]);
});

describe('what was noted before is said again', () => {
  test.each([
    [
      { result: 'refused', reason: 'capacity', journeyId: null },
      { kind: 'refused', reason: 'capacity', trace: null },
    ],
    [
      { result: 'refused', reason: null, journeyId: null },
      { kind: 'refused', reason: 'trigger_disabled', trace: null },
    ],
    [
      { result: 'signalled', reason: 'already_active', journeyId: 'JRN-1' },
      { kind: 'signalled', journeyId: 'JRN-1' },
    ],
  ] as const)('%j', async (noted, outcome) => {
    const { look } = world.ports;
    Object.assign(world, { ports: { ...world.ports, look: async (question: EntryQuestion) => ({ ...(await look(question)), noted }) } });
    expect(await world.enter(compiled(), byEvent())).toEqual(outcome);
    expect(world.journeys).toEqual([]);
  });
});

test('S1: the same appointment twice, re-entry never: one instance', async () => {
  const template = compiled({ entry: { concurrency: 'one_per_key', key: 'appointmentId', reentry: 'never' } });
  const trigger = aTrigger({
    type: 'APPOINTMENT_UPDATE',
    map: { customerId: 'event.customerId', appointmentId: 'event.data.appointmentId' },
  });
  await world.enter(template, byEvent(trigger, appointment('e-1')));
  await world.enter(template, byEvent(trigger, appointment('e-2')));
  world.end();
  await world.enter(template, byEvent(trigger, appointment('e-3')));
  expect(world.journeys).toHaveLength(1);
  expect(world.results()).toEqual([
    ['started', null],
    ['existing', 'already_active'],
    ['refused', 'reentry_not_allowed'],
  ]);
});

test('S3: two events of one customer: one instance, the second attached', async () => {
  const template = compiled({ entry: { onDuplicate: 'signal' } });
  await world.enter(template, byEvent(converted, anEvent({ leadId: 'L1' })));
  const second = byEvent(created, anEvent({ id: 'e-2', type: 'crm:customer_created', data: { kind: 'firm' } }));
  expect(await world.enter(template, second)).toMatchObject({ kind: 'signalled', journeyId: world.journeys[0]?.journeyId });
  expect(world.journeys).toMatchObject([{ attached: [{ customerId: 'C1', kind: 'firm' }] }]);
  expect(world.results()).toEqual([
    ['started', null],
    ['signalled', 'already_active'],
  ]);
});

test('S48: a cap of three', async () => {
  world.capacity = 3;
  for (const id of ['C1', 'C2', 'C3']) await world.enter(compiled(), aCall({ customerId: id }, { commandId: id }));
  const fourth = () => world.enter(compiled(), aCall({ customerId: 'C4' }, { commandId: 'C4' }));
  expect(await fourth()).toMatchObject({ kind: 'refused', reason: 'capacity' });
  expect(world.notes.at(-1)).toMatchObject({ result: 'refused', reason: 'capacity', journeyId: null });
  world.end(world.journeys[0]?.journeyId);
  expect(await fourth()).toMatchObject({ kind: 'started' });
});

test('after one has ended the next is another', async () => {
  const first = await world.enter(compiled(), aCall({ customerId: 'C1' }));
  world.end();
  const second = await world.enter(compiled(), aCall({ customerId: 'C1' }, { commandId: 'k-2' }));
  expect(second.kind).toBe('started');
  expect(second).not.toEqual(first);
  expect(world.journeys.map(({ entry }) => entry)).toEqual([1, 2]);
});

describe('two at once', () => {
  const rival = aCall({ customerId: 'C1', plan: 'x' }, { commandId: 'k-2' });

  test.each([
    ['ignore', { kind: 'existing' }, ['existing', 'already_active']],
    ['signal', { kind: 'signalled' }, ['signalled', 'already_active']],
    ['reject', { kind: 'refused', reason: 'already_active' }, ['refused', 'already_active']],
  ])('meet in one journey, though the database has not seen it: %s', async (onDuplicate, outcome, note) => {
    const template = compiled({ entry: { onDuplicate } });
    await world.enter(template, aCall({ customerId: 'C1' }));
    for (const { journeyId } of world.journeys) world.hidden.add(journeyId);
    expect(await world.enter(template, rival)).toMatchObject(outcome);
    expect(world.journeys).toHaveLength(1);
    expect(world.results().at(-1)).toEqual(note);
  });

  test('one that has ended meanwhile is counted at the next look', async () => {
    await world.enter(compiled(), aCall({ customerId: 'C1' }));
    world.end();
    for (const { journeyId } of world.journeys) world.hidden.add(journeyId);
    const { look } = world.ports;
    let looks = 0;
    const ports: EntryPorts = {
      ...world.ports,
      look: (question) => {
        looks += 1;
        if (looks === 2) world.hidden.clear();
        return look(question);
      },
    };
    Object.assign(world, { ports });
    expect(await world.enter(compiled(), rival)).toMatchObject({ kind: 'started' });
    expect(world.journeys.map(({ entry }) => entry)).toEqual([1, 2]);
  });

  test('one that never shows ends the try, to be made again', async () => {
    await world.enter(compiled(), aCall({ customerId: 'C1' }));
    world.end();
    for (const { journeyId } of world.journeys) world.hidden.add(journeyId);
    await expect(world.enter(compiled(), rival)).rejects.toThrow('others entered');
  });

  test('one that ends before it is told of the second is over', async () => {
    const template = compiled({ entry: { onDuplicate: 'signal' } });
    await world.enter(template, aCall({ customerId: 'C1' }));
    const { attach } = world.ports;
    Object.assign(world, {
      ports: {
        ...world.ports,
        attach: (journeyId: string, given: Parameters<EntryPorts['attach']>[1]) => {
          world.end();
          return attach(journeyId, given);
        },
      },
    });
    expect(await world.enter(template, rival)).toMatchObject({ kind: 'started' });
  });
});

describe('dedupe', () => {
  const template = compiled({ entry: { concurrency: 'unlimited' } });
  const trigger = aTrigger({ dedupeKey: 'event.data.order', dedupeWindow: hour });
  const order = (id: string) => byEvent(trigger, anEvent({ id, data: { order: 'O1' } }));

  test('events of one key inside the window are one', async () => {
    await world.enter(template, order('e-1'));
    expect(await world.enter(template, order('e-2'))).toMatchObject({ kind: 'refused', reason: 'duplicate_event' });
    world.now += hour;
    expect(await world.enter(template, order('e-3'))).toMatchObject({ kind: 'started' });
  });

  test('a day, unless the trigger says otherwise', async () => {
    const plain = aTrigger({ dedupeKey: 'event.data.order' });
    const daily = (id: string) => byEvent(plain, anEvent({ id, data: { order: 'O1' } }));
    await world.enter(template, daily('e-1'));
    world.now += day - 1;
    expect(await world.enter(template, daily('e-2'))).toMatchObject({ reason: 'duplicate_event' });
    world.now += 1;
    expect(await world.enter(template, daily('e-3'))).toMatchObject({ kind: 'started' });
  });

  test('another that takes the key at the same time wins', async () => {
    Object.assign(world, { ports: { ...world.ports, claim: () => Promise.resolve(false) } });
    expect(await world.enter(template, order('e-1'))).toMatchObject({ kind: 'refused', reason: 'duplicate_event' });
    expect(world.journeys).toHaveLength(0);
  });

  test('an event that was refused takes no key', async () => {
    world.capacity = 0;
    expect(await world.enter(template, order('e-1'))).toMatchObject({ reason: 'capacity' });
    world.capacity = 1;
    expect(await world.enter(template, order('e-2'))).toMatchObject({ kind: 'started' });
  });

  test('a call is nobody’s repetition', async () => {
    await world.enter(template, aCall({ customerId: 'C1' }));
    expect(await world.enter(template, aCall({ customerId: 'C1' }, { commandId: 'k-2' }))).toMatchObject({ kind: 'started' });
  });
});

describe('packages and pauses', () => {
  test('a package that is off fires nothing, and a call is not of a package', async () => {
    world.integrations = { crm: { enabled: false } };
    expect(await world.enter(compiled(), byEvent())).toMatchObject({ kind: 'refused', reason: 'trigger_disabled' });
    expect(await world.enter(compiled(), aCall({ customerId: 'C1' }))).toMatchObject({ kind: 'started' });
  });

  test('a template that takes no entries refuses calls too', async () => {
    world.isOpen = false;
    expect(await world.enter(compiled(), aCall({ customerId: 'C1' }))).toMatchObject({ reason: 'trigger_disabled' });
  });
});

describe('what does not fit', () => {
  test('a call is told every fault, and nothing is noted', async () => {
    expect(await world.enter(compiled(), aCall({}))).toEqual({
      kind: 'invalid',
      faults: [{ path: '/input/customerId', rule: 'must be there: it names the subject' }],
    });
    expect(world.notes).toEqual([]);
  });

  test('an event that does not match is none, whatever it lacks', async () => {
    const trigger = aTrigger({ when: 'event.data.score > 50.0' });
    const { customerId: _none, ...nobody } = anEvent({ data: { score: 1 } });
    expect(await world.enter(compiled(), byEvent(trigger, nobody))).toEqual({ kind: 'none' });
    expect(world.notes).toEqual([]);
  });

  test('a trigger’s guard sees what is mapped', async () => {
    const trigger = aTrigger({ map: { score: 'event.data.score' }, when: 'input.score > 50.0' });
    expect(await world.enter(compiled(), byEvent(trigger, anEvent({ data: { score: 60 } })))).toMatchObject({ kind: 'started' });
    expect(await world.enter(compiled(), byEvent(trigger, anEvent({ id: 'e-2', customerId: 'C2', data: { score: 6 } })))).toEqual({
      kind: 'none',
    });
  });

  test('an event that matches and names nobody is noted with what it lacks', async () => {
    const { customerId: _none, ...nobody } = anEvent();
    expect(await world.enter(compiled(), byEvent(aTrigger(), nobody))).toMatchObject({ kind: 'refused', reason: 'input_invalid' });
    expect(world.notes).toMatchObject([
      {
        reason: 'input_invalid',
        entrant: null,
        detail: { faults: [{ path: '/input/customerId', rule: 'must be there: it names the subject' }] },
      },
    ]);
  });

  test('an event whose data do not fit is noted with the subject it names', async () => {
    const wrong = compiled({ input: { type: 'object', properties: { customerId: { type: 'string' }, score: { type: 'number' } } } });
    const event = anEvent({ data: { score: 'high' } });
    expect(await world.enter(wrong, byEvent(aTrigger(), event))).toMatchObject({ reason: 'input_invalid' });
    expect(world.notes).toMatchObject([
      {
        entrant: { subject: { type: 'customer', id: 'C1' }, entryKey: null },
        detail: { faults: [{ path: '/input/score', rule: 'must be number' }] },
      },
    ]);
  });

  test('a guard without a value is told with its path, also where the input does not fit', async () => {
    const trigger = aTrigger({ when: 'event.data.score > 50.0' });
    const { customerId: _none, ...nobody } = anEvent();
    for (const event of [anEvent(), nobody]) {
      expect(await world.enter(compiled(), byEvent(trigger, event))).toMatchObject({ kind: 'refused', reason: 'guard_error' });
      expect(world.notes.at(-1)).toMatchObject({ detail: { verdict: 'error', fault: { reason: 'missing', path: 'event.data.score' } } });
    }
  });

  test('an audience that does not fit is noted with paths and no values', async () => {
    const template = compiled({ entry: { audience: 'subject.plan == "gold"' } });
    const asked = aCall({}, { subject: { type: 'customer', id: 'C1', plan: 'tin' } });
    expect(await world.enter(template, asked)).toMatchObject({ kind: 'refused', reason: 'audience' });
    expect(world.notes).toMatchObject([{ detail: { verdict: 'false', reads: [{ path: 'subject.plan', found: 'present' }], fault: null } }]);
    expect(JSON.stringify(world.notes)).not.toContain('tin');
  });
});

describe('texts', () => {
  const template = compiled({
    entry: { onDuplicate: 'signal' },
    input: {
      type: 'object',
      properties: { customerId: { type: 'string' }, issue: { type: 'string' }, tone: { enum: ['very calm'] }, born: { type: 'string' } },
    },
    context: { born: { schema: { type: 'string' }, pii: true }, plan: { schema: { type: 'string' } } },
  });
  const input = { customerId: 'C1', issue: 'My modem smokes', tone: 'very calm', born: '1980', age: 45 };

  test('stay outside of the journey, and so does what is personal', async () => {
    await world.enter(template, aCall(input));
    expect(world.journeys[0]?.input).toEqual({
      customerId: 'C1',
      issue: { $ref: 'k-1/issue' },
      tone: 'very calm',
      born: { $ref: 'k-1/born' },
      age: 45,
    });
    expect(world.texts).toEqual([
      { id: 'k-1/issue', text: 'My modem smokes' },
      { id: 'k-1/born', text: '1980' },
    ]);
  });

  test('those of a second entry too', async () => {
    await world.enter(template, aCall({ customerId: 'C1' }));
    await world.enter(template, aCall(input, { commandId: 'k-2' }));
    expect(world.journeys[0]?.attached).toMatchObject([{ issue: { $ref: 'k-2/issue' } }]);
  });
});

/** One at a time, so that a repetition is noted as often as it is made. */
test('whatever fails, the same request again leads to one journey and changes nothing else', async () => {
  const port = fc.constantFrom<keyof EntryPorts>('look', 'claim', 'keep', 'open', 'note');
  await fc.assert(
    fc.asyncProperty(fc.array(port, { maxLength: 6 }), fc.boolean(), async (failures, isOver) => {
      const one = new World();
      const template = compiled({ entry: { concurrency: 'unlimited' } });
      const trigger = aTrigger({ dedupeKey: 'event.customerId', map: { customerId: 'event.customerId', issue: 'event.data.issue' } });
      const asked = byEvent(trigger, anEvent({ data: { issue: 'a text of words' } }));
      for (const failure of failures) {
        one.failing = failure;
        await one.enter(template, asked).catch(() => null);
        one.failing = null;
        if (isOver) one.end();
      }
      expect(await one.enter(template, asked)).toMatchObject({ kind: 'started' });
      expect(one.journeys).toHaveLength(1);
      expect(new Set(one.results().map(([result]) => result))).toEqual(new Set(['started']));
    }),
  );
});
