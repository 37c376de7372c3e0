/** Expectations are typed out from journeys.md section 8 and scripts.md section 3. */
import { describe, expect, test } from 'vitest';
import { isOver, isReleased, view } from '../../../domain/handoff/ledger.js';
import { nextDue, outstanding, report, wake } from '../../../domain/handoff/machine.js';
import { asContentId } from '../../../domain/ids.js';
import { noon, uuid } from '../../support/builders.js';
import { approved, hour, minute, Run, someRules } from './builders.js';

const text = asContentId(uuid(0x300));
const automatic = someRules({ mode: 'automatic' });

describe('S39: required data', () => {
  const needs = someRules({ requiredData: ['customerId', 'serviceType'] });

  test('that is missing is awaited, and comes by itself', () => {
    const run = new Run(needs, { data: { customerId: 'C1' } });
    expect(run.state.state).toBe('awaiting_data');
    expect(run.events.map(({ type, data }) => [type, data])).toEqual([
      ['handoff.created', { from: 'crm', to: 'field-ops', mode: 'accept', step: 'install', visit: 1 }],
      ['handoff.data.awaited', { missing: ['serviceType'] }],
    ]);
    expect(nextDue(run.state)).toBeNull();
    run.after(hour).tell({ kind: 'supply', data: { serviceType: null } });
    expect(run.state.state).toBe('awaiting_data');
    run.tell({ kind: 'supply', data: { serviceType: 'fiber' } });
    expect(run.state.state).toBe('offered');
    expect(run.types).toEqual(['created', 'data.awaited', 'data.supplied', 'offered']);
    expect(view(run.state)).toMatchObject({ data: { customerId: 'C1', serviceType: 'fiber' }, missing: [], dueAt: noon + 5 * hour });
  });

  test('that is there is not', () => {
    expect(new Run(needs, { data: { customerId: 'C1', serviceType: 'fiber' } }).state.state).toBe('offered');
    expect(new Run(someRules({ requiredData: ['site.city'] }), { data: { site: { city: 'Bonn' } } }).state.state).toBe('offered');
  });

  test.each([[null], ['']])('that is %j is missing', (serviceType) => {
    expect(view(new Run(needs, { data: { customerId: 'C1', serviceType } }).state).missing).toEqual(['serviceType']);
  });
});

describe('an offer to people', () => {
  test('is the sender’s until it is accepted, then the receiver’s', () => {
    const run = new Run(someRules());
    expect(run.last).toEqual({ handoff: 'JRN-1.install.1', seq: 1, state: 'offered', owner: 'crm', dueAt: noon + 4 * hour, attempts: 0 });
    run.after(hour).do('accept', 'bob');
    expect(run.last).toEqual({
      handoff: 'JRN-1.install.1',
      seq: 2,
      state: 'accepted',
      owner: 'field-ops',
      dueAt: noon + 25 * hour,
      attempts: 0,
    });
    run.do('claim', 'bob');
    expect(run.last).toMatchObject({ state: 'in_progress', owner: 'field-ops' });
    run.do('complete', 'bob', { output: { slot: 'am' } });
    expect(run.last).toEqual({
      handoff: 'JRN-1.install.1',
      seq: 4,
      state: 'completed',
      owner: 'field-ops',
      dueAt: null,
      attempts: 0,
      outcome: 'completed',
      output: { slot: 'am' },
    });
    expect(run.types).toEqual(['created', 'offered', 'accepted', 'started', 'completed']);
    expect(run.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(isOver(run.state)).toBe(true);
    expect(view(run.state)).toMatchObject({ state: 'completed', outcome: 'completed', endedAt: noon + hour, version: 5, dueAt: null });
  });

  test('may be completed without a claim, under another name', () => {
    expect(new Run(someRules({ completeAs: 'provisioned' })).do('accept', 'bob').do('complete', 'bob').last).toMatchObject({
      outcome: 'provisioned',
    });
    expect(new Run(someRules()).do('accept', 'bob').do('complete', 'bob', { outcome: 'partly' }).last).toMatchObject({ outcome: 'partly' });
  });

  test('takes only outcomes that are known, where they are told', () => {
    const run = new Run(someRules(), { outcomes: ['completed', 'partly'] }).do('accept', 'bob');
    expect(run.refusal('complete', 'bob', { outcome: 'nearly' })).toMatchObject({
      code: 'unknown_outcome',
      members: { allowed: ['completed', 'partly'] },
    });
    expect(run.do('complete', 'bob', { outcome: 'partly' }).state.outcome).toBe('partly');
  });

  test('with waitFor accept lets the journey go at the acceptance, and goes on', () => {
    const run = new Run(someRules({ waitFor: 'accept' }));
    expect(isReleased(run.state)).toBe(false);
    run.do('accept', 'bob');
    expect(run.last).toMatchObject({ state: 'accepted', outcome: 'accepted' });
    expect(isReleased(run.state)).toBe(true);
    expect(isOver(run.state)).toBe(false);
    expect(run.do('complete', 'bob').last).toMatchObject({ state: 'completed', outcome: 'completed' });
  });

  test('with waitFor accept the end of the journey finds it done; a person may still call it off', () => {
    const run = new Run(someRules({ waitFor: 'accept' })).do('accept', 'bob').tell({ kind: 'cancel' });
    expect(run.last).toMatchObject({ state: 'completed', owner: 'field-ops', outcome: 'accepted' });
    expect(new Run(someRules({ waitFor: 'accept' })).tell({ kind: 'cancel' }).state.state).toBe('cancelled');
    expect(new Run(someRules({ waitFor: 'accept' })).do('accept', 'bob').do('cancel', 'lea').state.state).toBe('cancelled');
    expect(new Run(someRules()).do('accept', 'bob').tell({ kind: 'cancel' }).state.state).toBe('cancelled');
  });

  test('can be refused with a reason, and stays the sender’s', () => {
    const run = new Run(someRules());
    expect(run.refusal('reject', 'bob', { comment: text }).code).toBe('reason_required');
    run.do('reject', 'bob', { reason: 'no_capacity', comment: text });
    expect(run.last).toMatchObject({ state: 'rejected', owner: 'crm', outcome: 'rejected', reason: 'no_capacity' });
    expect(run.events.at(-1)).toMatchObject({ type: 'handoff.rejected', data: { reason: 'no_capacity', comment: text } });
  });

  test('S41: can be given back with a reason, and is the sender’s again', () => {
    for (const visit of [1, 2, 3]) {
      const run = new Run(someRules(), { visit }).do('accept', 'bob').do('claim', 'bob');
      expect(run.refusal('return', 'bob').code).toBe('reason_required');
      run.do('return', 'bob', { reason: 'no_access' });
      expect(run.last).toMatchObject({
        handoff: `JRN-1.install.${visit}`,
        state: 'returned',
        owner: 'crm',
        outcome: 'returned',
        reason: 'no_access',
      });
      expect(view(run.state)).toMatchObject({ visit, owner: 'crm', assignee: null, reason: 'no_access' });
    }
  });

  test('can be called off', () => {
    const run = new Run(someRules()).do('cancel', 'lea', { comment: text });
    expect(run.last).toMatchObject({ state: 'cancelled' });
    expect(run.events.at(-1)).toMatchObject({ type: 'handoff.cancelled', data: { comment: text } });
  });

  test('without deadlines waits as long as it takes', () => {
    const { acceptWithin: _accept, completeWithin: _complete, ...open } = someRules();
    const run = new Run(open);
    expect(nextDue(run.state)).toBeNull();
    expect(nextDue(run.do('accept', 'bob').state)).toBeNull();
  });
});

describe('too late', () => {
  test('for the acceptance: an incident, and the next try is a new offer', () => {
    const run = new Run(someRules()).after(4 * hour);
    expect(run.last).toMatchObject({ state: 'expired', owner: 'crm', incident: 'handoff_timeout', dueAt: null });
    expect(run.events.at(-1)).toMatchObject({ type: 'handoff.expired', at: noon + 4 * hour });
    expect(isOver(run.state)).toBe(false);
    run.after(hour).do('retry', 'lea');
    expect(run.last).toMatchObject({ state: 'offered', dueAt: noon + 9 * hour });
    expect(run.types).toEqual(['created', 'offered', 'expired', 'retried', 'offered']);
  });

  test('for the completion: counted from the acceptance', () => {
    const run = new Run(someRules())
      .after(3 * hour)
      .do('accept', 'bob')
      .after(24 * hour);
    expect(run.last).toMatchObject({ state: 'expired', owner: 'field-ops', incident: 'handoff_timeout' });
    expect(run.events.at(-1)?.at).toBe(noon + 27 * hour);
    expect(run.do('retry', 'lea').last).toMatchObject({ state: 'offered', owner: 'crm' });
  });

  test('with another way to go: it is over, and the journey is told the way', () => {
    const run = new Run(someRules({ onTimeout: 'route:call_back' })).after(4 * hour);
    expect(run.last).toMatchObject({ state: 'expired', route: 'route:call_back' });
    expect(run.last.incident).toBe('handoff_timeout');
    expect(run.state.parked).toBeNull();
    expect(isOver(run.state)).toBe(true);
    expect(run.refusal('retry', 'lea').code).toBe('no_incident');
  });

  test('at the very instant, not before', () => {
    const run = new Run(someRules());
    expect(wake(run.state, noon + 4 * hour - 1).events).toEqual([]);
    expect(wake(run.state, noon + 4 * hour).state.state).toBe('expired');
  });

  test('woken much later: it happened in its time', () => {
    const step = wake(new Run(someRules()).state, noon + 90 * hour);
    expect(step.events).toMatchObject([{ type: 'handoff.expired', at: noon + 4 * hour }]);
  });
});

describe('automatic acceptance', () => {
  test('asks the receiver at once, under a name that lasts', () => {
    const run = new Run(automatic, { data: { customerId: 'C1' } });
    expect(run.effects).toEqual([
      {
        kind: 'action',
        id: 'acceptance/1',
        step: 'install',
        visit: 1,
        item: null,
        attempt: 1,
        action: 'field-ops.accept_handoff@1',
        input: {
          handoffId: 'JRN-1.install.1',
          journeyId: 'JRN-1',
          stepId: 'install',
          from: 'crm',
          to: 'field-ops',
          data: { customerId: 'C1' },
        },
        timeoutMs: 25_000,
        recipient: 'field-ops',
      },
    ]);
    expect(outstanding(run.state)).toEqual(run.effects);
    run.done({ reference: 'R1' });
    expect(run.last).toMatchObject({
      state: 'accepted',
      owner: 'field-ops',
      attempts: 1,
      output: { reference: 'R1' },
      dueAt: noon + 24 * hour,
    });
    expect(outstanding(run.state)).toEqual([]);
  });

  test('has three attempts, 30 and 60 seconds apart, then fails', () => {
    const run = new Run(automatic);
    const begun: number[] = [];
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      begun.push(run.now - noon);
      expect(run.wish('action').attempt).toBe(attempt);
      run.fail();
      if (attempt < 3) run.after((nextDue(run.state) ?? 0) - run.now);
    }
    expect(begun).toEqual([0, 30_000, 90_000]);
    expect(run.last).toMatchObject({ state: 'failed', owner: 'crm', incident: 'handoff_timeout', attempts: 3, error: 'Unavailable' });
    expect(isOver(run.state)).toBe(false);
    run.do('retry', 'lea');
    expect(run.last).toMatchObject({ state: 'offered' });
    expect(run.wish('action').attempt).toBe(4);
    expect(run.done().last).toMatchObject({ state: 'accepted', attempts: 4 });
  });

  test('ends after five minutes, whatever is under way; a late answer changes nothing', () => {
    const run = new Run(automatic).after(5 * minute - 1);
    expect(run.state.state).toBe('offered');
    run.after(1);
    expect(run.last).toMatchObject({ state: 'failed', incident: 'handoff_timeout', attempts: 1 });
    expect(run.effects.at(-1)).toEqual({ kind: 'dropAction', id: 'drop/acceptance/1', action: 'acceptance/1' });
    const failed = run.state;
    expect(run.done().state).toEqual(failed);
  });

  test('ends after five minutes also between attempts', () => {
    const slow = someRules({ mode: 'automatic', retry: { initial: 6 * minute, max: 6 * minute, maxAttempts: 'unlimited' } });
    const run = new Run(slow).fail().after(5 * minute);
    expect(run.last).toMatchObject({ state: 'failed', incident: 'handoff_timeout', attempts: 1 });
    expect(run.events.at(-1)?.at).toBe(noon + 5 * minute);
  });

  test('begins no attempt when it is woken after the end', () => {
    const run = new Run(automatic).fail();
    const step = wake(run.state, noon + hour);
    expect(step.state).toMatchObject({ state: 'failed', attempts: 1 });
    expect(step.effects).toEqual([]);
  });

  test('lasts no longer than what is left', () => {
    const run = new Run(someRules({ mode: 'automatic', timeouts: { total: 40_000, attempt: 60_000 } }));
    expect(run.wish('action').timeoutMs).toBe(25_000);
    run.fail().after(30_000);
    expect(run.wish('action').timeoutMs).toBe(10_000);
  });

  test.each([
    ['Rejected', { retryable: false }, 'action_failed'],
    ['no_such_customer', {}, 'action_failed'],
    ['timeout', { unknown: true }, 'action_unknown'],
  ] as const)('fails at once on %s %j: %s', (error, more, incident) => {
    const run = new Run(someRules({ mode: 'automatic', retry: { nonRetryable: ['no_such_customer'] } })).fail(error, more);
    expect(run.last).toMatchObject({ state: 'failed', incident, error, attempts: 1 });
  });

  test('the receiver may say no', () => {
    expect(new Run(automatic).fail('handoff_refused', { retryable: false }).last).toMatchObject({
      state: 'rejected',
      outcome: 'rejected',
      reason: 'handoff_refused',
    });
  });

  test('and one of its people may be quicker', () => {
    const run = new Run(automatic).do('accept', 'bob');
    expect(run.state.state).toBe('accepted');
    expect(run.effects.at(-1)).toMatchObject({ kind: 'dropAction', action: 'acceptance/1' });
  });

  test('names the item of a list', () => {
    const run = new Run(automatic, { item: 'i2' });
    expect(run.wish('action')).toMatchObject({ item: 'i2', input: { handoffId: 'JRN-1.install.1.i2' } });
  });
});

describe('the journey', () => {
  test.each(['offered', 'accepted', 'awaiting_approval', 'awaiting_data', 'failed'])('completes it from %s', (from) => {
    const runs = {
      offered: () => new Run(automatic),
      accepted: () => new Run(someRules()).do('accept', 'bob'),
      awaiting_approval: () => new Run(approved()).people(),
      awaiting_data: () => new Run(someRules({ requiredData: ['x'] })),
      failed: () => new Run(automatic).fail('Rejected', { retryable: false }),
    };
    const run = runs[from as keyof typeof runs]();
    expect(run.state.state).toBe(from);
    run.tell({ kind: 'complete', outcome: 'service_activated', output: { serviceId: 'S1' } });
    expect(run.last).toMatchObject({ state: 'completed', outcome: 'service_activated', output: { serviceId: 'S1' } });
    expect(outstanding(run.state)).toEqual([]);
    expect(run.state.gate?.outcome ?? 'cancelled').toBe('cancelled');
  });

  test('calls it off, and what comes too late changes nothing', () => {
    const run = new Run(automatic).tell({ kind: 'cancel' });
    expect(run.last).toMatchObject({ state: 'cancelled' });
    expect(run.effects.at(-1)?.kind).toBe('dropAction');
    const over = run.state;
    for (const word of [
      { kind: 'cancel' },
      { kind: 'complete', outcome: 'x', output: {} },
      { kind: 'retry' },
      { kind: 'supply', data: { a: 1 } },
      { kind: 'pause' },
      { kind: 'resume', shiftMs: 5 },
    ] as const) {
      expect(run.tell(word).state).toEqual(over);
    }
  });

  test('tries it again, if it is parked', () => {
    const run = new Run(someRules());
    expect(run.tell({ kind: 'retry' }).state.state).toBe('offered');
    expect(run.types).toEqual(['created', 'offered']);
    expect(run.after(4 * hour).tell({ kind: 'retry' }).state.state).toBe('offered');
  });
});

describe('a pause', () => {
  test('stops the time, and what is due moves with it', () => {
    const run = new Run(someRules()).after(hour).tell({ kind: 'pause' });
    expect(nextDue(run.state)).toBeNull();
    run.after(10 * hour);
    expect(run.refusal('accept', 'bob').code).toBe('journey_paused');
    run.tell({ kind: 'pause' }).tell({ kind: 'resume', shiftMs: 10 * hour });
    expect(run.last).toMatchObject({ state: 'offered', dueAt: noon + 14 * hour });
    expect(run.types).toEqual(['created', 'offered', 'paused', 'resumed']);
    expect(run.after(3 * hour).state.state).toBe('expired');
  });

  test('that keeps the deadlines lets the overdue happen at its end', () => {
    const run = new Run(someRules())
      .after(hour)
      .tell({ kind: 'pause' })
      .after(10 * hour)
      .tell({ kind: 'resume', shiftMs: 0 });
    expect(run.state.state).toBe('expired');
    expect(run.events.map(({ type, at }) => [type, (at - noon) / hour]).slice(2)).toEqual([
      ['handoff.paused', 1],
      ['handoff.resumed', 11],
      ['handoff.expired', 11],
    ]);
  });

  test('moves a gate, too', () => {
    const run = new Run(approved()).people().after(hour).tell({ kind: 'pause' }).after(hour).tell({ kind: 'resume', shiftMs: hour });
    expect(run.last).toMatchObject({ state: 'awaiting_approval', dueAt: noon + 9 * hour });
  });

  test('lets people go on, if it says so', () => {
    const run = new Run(someRules()).tell({ kind: 'pause', freezeTasks: false }).do('accept', 'bob');
    expect(run.state.state).toBe('accepted');
    expect(
      new Run(someRules())
        .after(4 * hour)
        .tell({ kind: 'pause', freezeTasks: false })
        .refusal('retry', 'lea').code,
    ).toBe('journey_paused');
  });

  test('does not keep anybody from calling it off', () => {
    expect(new Run(someRules()).tell({ kind: 'pause' }).do('cancel', 'lea').state.state).toBe('cancelled');
  });

  test('lets data come, and goes on with it afterwards', () => {
    const run = new Run(someRules({ mode: 'automatic', requiredData: ['x'] }))
      .tell({ kind: 'pause' })
      .tell({ kind: 'supply', data: { x: 1 } });
    expect(run.state).toMatchObject({ state: 'awaiting_data', data: { x: 1 } });
    run.tell({ kind: 'resume', shiftMs: 0 });
    expect(run.state.state).toBe('offered');
    expect(run.effects).toHaveLength(1);
  });

  test('takes what was under way, and begins nothing new', () => {
    const approving = approved({ then: 'automatic' });
    const run = new Run(approving).people().tell({ kind: 'pause', freezeTasks: false }).do('approve', 'ada');
    expect(run.state.state).toBe('offered');
    expect(run.effects.filter(({ kind }) => kind === 'action')).toEqual([]);
    run.tell({ kind: 'resume', shiftMs: 0 });
    expect(run.wish('action')).toMatchObject({ attempt: 1 });
    const working = new Run(automatic).tell({ kind: 'pause' }).done();
    expect(working.state.state).toBe('accepted');
    expect(working.tell({ kind: 'resume', shiftMs: hour }).last.dueAt).toBe(noon + 25 * hour);
  });

  test('ends only if there was one', () => {
    const run = new Run(someRules());
    const { state } = run;
    expect(run.tell({ kind: 'resume', shiftMs: hour }).state).toEqual(state);
  });
});

test('an answer that nobody asked for changes nothing', () => {
  const run = new Run(automatic);
  for (const answer of [
    { kind: 'done', effect: 'acceptance/9', output: {} },
    { kind: 'hash', effect: 'hash/1', hash: 'h' },
    { kind: 'event', event: { id: 'e', type: 'x', at: noon } },
    { kind: 'hash', effect: 'acceptance/1', hash: 'h' },
    { kind: 'people', effect: 'acceptance/1', people: [], fault: null },
  ] as const) {
    expect(report(run.state, answer, noon)).toEqual({ ok: true, state: run.state, effects: [], events: [], reports: [] });
  }
});

test('a command that counts on another version is refused', () => {
  const run = new Run(someRules());
  expect(run.refusal('accept', 'bob', { expectedVersion: 1 })).toMatchObject({ code: 'version_mismatch', members: { version: 2 } });
  expect(run.do('accept', 'bob', { expectedVersion: 2 }).state.state).toBe('accepted');
});
