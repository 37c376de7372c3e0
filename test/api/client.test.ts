/** The client in `clients/typescript` and every example of it, against the API over a real connection. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listen } from '../../api/listen.js';
import { approveWhatWaits } from '../../clients/typescript/examples/vote.js';
import { followTickets } from '../../clients/typescript/examples/follow-tickets.js';
import { openAndReply } from '../../clients/typescript/examples/open-and-reply.js';
import { receiveWebhooks } from '../../clients/typescript/examples/receive-webhooks.js';
import { runJourney } from '../../clients/typescript/examples/run-journey.js';
import { connect, done, UsherProblem } from '../../clients/typescript/usher.js';
import type { Usher } from '../../clients/typescript/usher.js';
import { isFromUsher } from '../../clients/typescript/webhook.js';
import { publishBuiltInsOf } from '../../db/built-in-journeys.js';
import { publishEvents } from '../../db/queries/stream-relay.js';
import { aGate, aRecord } from '../support/journey-records.js';
import { demo, useStage } from './support.js';

const stage = useStage();
let url = '';
let end: () => Promise<void>;
let usher: Usher;

beforeAll(async () => {
  const listening = await listen(stage.app, '127.0.0.1', 0);
  url = `http://127.0.0.1:${listening.port}`;
  end = async () => listening[Symbol.asyncDispose]();
  usher = connect({ url, credential: stage.keys.admin });
});
afterAll(() => end());

test('a ticket is opened, answered and read', async () => {
  const ticket = await openAndReply(usher);
  expect(ticket).toMatchObject({ subject: 'Invoice 4711', status: 'in_progress', version: 3 });
});

test('a service opens one for a customer', async () => {
  const forCustomer = connect({ url, credential: stage.keys.service, actingFor: demo.customers[0] ?? '' });
  const body = { product: 'demo', subject: 's', description: 'd', channel: 'web' } as const;
  expect((await done(forCustomer.POST('/v1/tickets', { body }))).requester).toBe(demo.customers[0]);
});

test('what was refused is a problem with its code', async () => {
  const refused = done(usher.GET('/v1/tickets/{ticketId}', { params: { path: { ticketId: 'TKT-00000000' } } }));
  await expect(refused).rejects.toThrow(UsherProblem);
  await expect(refused).rejects.toMatchObject({ problem: { code: 'not_found', status: 404 } });
});

test('what Usher asks to repeat is repeated under one key, after the time it names', async () => {
  const waits: number[] = [];
  const keys: (string | null)[] = [];
  stage.desk.trouble = 'lost_after';
  const patient = connect({
    url,
    credential: stage.keys.admin,
    fetch: (input, init) => {
      keys.push(input instanceof Request ? input.headers.get('idempotency-key') : null);
      return fetch(input, init);
    },
    wait: (ms) => {
      waits.push(ms);
      stage.desk.trouble = null;
      return Promise.resolve();
    },
  });
  const before = stage.desk.received.length;
  const body = {
    product: 'demo',
    subject: 's',
    description: 'd',
    channel: 'api',
    requester: { customerId: demo.customers[0] ?? '' },
  } as const;
  const ticket = await done(patient.POST('/v1/tickets', { body }));
  expect([ticket.version, waits, keys.length, new Set(keys).size]).toEqual([1, [2_000], 2, 1]);
  expect(new Set(stage.desk.received.slice(before).map(({ id }) => id))).toEqual(new Set([ticket.id]));
});

test('live updates are followed', async () => {
  const seen: string[] = [];
  await followTickets({ url, credential: stage.keys.agent }, (type) => {
    seen.push(type);
    if (type === 'snapshot')
      void stage
        .ticket()
        .then(() => publishEvents(stage.database.relay, 500))
        .then(() => stage.streams.ring(null));
    return type !== 'ticket.created';
  });
  expect([seen[0], seen.at(-1)]).toEqual(['snapshot', 'ticket.created']);
});

test('a journey is started and advanced', async () => {
  await publishBuiltInsOf(stage.db, demo.tenant, [
    {
      key: 'renewal',
      name: 'Renewal',
      category: 'retention',
      subject: { type: 'customer', id: 'customerId' },
      input: { type: 'object', properties: { customerId: { type: 'string' } }, required: ['customerId'] },
      start: 'call',
      steps: {
        call: {
          kind: 'manual',
          name: 'Call',
          assign: { roles: ['agent'] },
          outcomes: ['done'],
          transitions: [{ to: 'won', outcome: 'done' }],
        },
        won: { kind: 'end', outcome: 'renewed', result: 'won' },
      },
    },
  ]);
  const journey = await runJourney(usher, 'renewal', 'C1');
  expect(journey).toMatchObject({ templateKey: 'renewal', subject: { type: 'customer', id: 'C1' } });
  expect(stage.journeys.last).toMatchObject({ to: `journey/${journey.id}`, verb: 'advance', args: { outcome: 'done' } });
});

test('what waits for a vote gets one', async () => {
  const id = 'JRN-C000000000000001';
  const gate = aGate({ eligible: [{ id: demo.admin, roles: ['admin'] }] });
  await stage.journeys.keep(aRecord(id, { gates: [{ step: 'credit', visit: 1, gate }], view: { awaitsApproval: true } }));
  expect(await approveWhatWaits(usher)).toEqual([`${id}.credit.1`]);
  expect(stage.journeys.last).toMatchObject({ to: `journey/${id}`, verb: 'vote', args: { decision: 'approve' } });
});

/** The vector of api-surfaces.md, section 2. */
const vector = {
  secret: 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX',
  headers: { id: 'evt_0001', timestamp: '1767225600', signature: 'v1,UHWAaoeXIKeBrsR0aZ2cHaD+OZ46vQ+b5X8S/DDZn/E=' },
  body: '{"type":"ticket.created"}',
};
const at = 1_767_225_600_000;

test.each<[string, object, number, boolean]>([
  ['as it was sent', {}, at, true],
  ['one of two signatures', { signature: `v1,AAAA ${vector.headers.signature}` }, at + 299_000, true],
  ['too old', {}, at + 301_000, false],
  ['from the future', {}, at - 301_000, false],
  ['another id', { id: 'evt_0002' }, at, false],
  ['another version', { signature: vector.headers.signature.replace('v1', 'v0') }, at, false],
  ['no signature', { signature: '' }, at, false],
  ['no time', { timestamp: 'now' }, at, false],
])('a webhook %s', (_name, headers, now, expected) => {
  expect(isFromUsher(vector.secret, { headers: { ...vector.headers, ...headers }, body: vector.body }, now)).toBe(expected);
});

test('webhooks are received, and only those count that are signed', async () => {
  const events: unknown[] = [];
  const server = receiveWebhooks(vector.secret, (id, event) => events.push([id, event])).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const to = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const key = Buffer.from(vector.secret.slice(6), 'base64');
  const signature = `v1,${createHmac('sha256', key).update(`evt_1.${timestamp}.${vector.body}`).digest('base64')}`;
  const post = async (body: string) =>
    (
      await fetch(to, {
        method: 'POST',
        body,
        headers: { 'webhook-id': 'evt_1', 'webhook-timestamp': timestamp, 'webhook-signature': signature },
      })
    ).status;
  expect([await post(vector.body), await post('{"type":"ticket.closed"}')]).toEqual([204, 401]);
  expect(events).toEqual([['evt_1', { type: 'ticket.created' }]]);
  server.close();
});
