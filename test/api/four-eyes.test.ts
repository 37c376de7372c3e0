/** T4: who asks for something does not allow it, by whatever credential: persons count. Source: security.md, section 1. */
import { beforeAll, expect, test } from 'vitest';
import { aGate, aRecord, aStart } from '../support/journey-records.js';
import { demo, useStage } from './support.js';
import type { Reply } from './support.js';

const stage = useStage();
const journey = 'JRN-F000000000000001';
/** A second key of the admin. */
let second = '';

beforeAll(async () => {
  second = (await stage.call('admin', 'POST', '/v1/api-keys', { owner: `user/${demo.admin}`, name: 'Second' })).body.key;
  const gate = aGate({
    requester: demo.admin,
    eligible: [
      { id: demo.admin, roles: ['admin'] },
      { id: demo.lead, roles: ['lead'] },
    ],
  });
  const view = { start: aStart(journey, { requester: demo.admin }), awaitsApproval: true };
  await stage.journeys.keep(aRecord(journey, { gates: [{ step: 'credit', visit: 1, gate }], view }));
});

const bySecondKey = (method: string, path: string, body?: unknown): Promise<Reply> =>
  stage.call('nobody', method, path, body, { authorization: `Bearer ${second}` });

const template = {
  key: 'four_eyes',
  name: 'Four eyes',
  category: 'retention',
  subject: { type: 'customer', id: 'input.customerId' },
  input: { type: 'object', properties: { customerId: { type: 'string' } }, required: ['customerId'] },
  start: 'call',
  steps: {
    call: { kind: 'manual', name: 'Call', assign: { roles: ['agent'] }, outcomes: ['done'], transitions: [{ to: 'won', outcome: 'done' }] },
    won: { kind: 'end', outcome: 'won', result: 'won' },
  },
};

test('T4: whoever wrote a template does not publish it with another key', async () => {
  expect((await stage.call('admin', 'POST', '/v1/journey-templates', template)).status).toBe(201);
  const own = await bySecondKey('POST', '/v1/journey-templates/four_eyes/publish');
  expect([own.status, own.body.code]).toEqual([403, 'forbidden']);
});

test('T4: whoever asked for an approval does not vote with another key, and the workflow hears of the person', async () => {
  const vote = { verb: 'vote', args: { decision: 'approve' }, filter: { ids: [journey] } };
  for (const body of [
    (await stage.call('admin', 'POST', '/v1/journeys/bulk/preview', vote)).body,
    (await bySecondKey('POST', '/v1/journeys/bulk/preview', vote)).body,
  ]) {
    expect(body.wouldSkip).toEqual([{ code: 'requester_excluded', count: 1 }]);
  }
  const actors = [];
  for (const ask of [stage.call.bind(null, 'admin'), bySecondKey]) {
    stage.journeys.reset();
    await ask('POST', `/v1/approvals/${journey}.credit.1/votes`, { decision: 'approve' });
    actors.push(stage.journeys.received.at(-1)?.args['actor']);
  }
  expect(actors).toEqual([`user/${demo.admin}`, `user/${demo.admin}`]);
});

test('T4: the same key of a write sent by either credential of one person is one write', async () => {
  const team = { name: 'Twice' };
  const key = { 'idempotency-key': 'by-the-person' };
  const first = await stage.call('admin', 'POST', '/v1/teams', team, key);
  const again = await stage.call('nobody', 'POST', '/v1/teams', team, { ...key, authorization: `Bearer ${second}` });
  expect([again.headers.get('idempotency-lookup'), again.body.id]).toEqual(['hit', first.body.id]);
});
