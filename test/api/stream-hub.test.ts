/** Streams on a log in memory and a clock of the test's own. Expectations are typed out from api-surfaces.md section 1. */
import { beforeEach, expect, test } from 'vitest';
import { Refusal } from '../../api/errors.js';
import { createHub } from '../../api/stream/hub.js';
import type { Beginning, StreamHub, StreamRequest } from '../../api/stream/streams.js';
import type { LoggedEvent, PublishedEvent } from '../../db/queries/stream.js';
import type { Principal } from '../../domain/access/principal.js';
import { asProductKey, asTeamId } from '../../domain/ids.js';
import { hour, second } from '../../domain/time.js';
import { noon, requester, tenant, uuid } from '../support/builders.js';
import { Sse } from '../support/sse.js';

const team = asTeamId(uuid(0x10));
const elsewhere = asTeamId(uuid(0x11));
const agent: Principal = {
  tenant,
  actor: `user/${uuid(0x22)}`,
  id: uuid(0x22),
  role: 'agent',
  products: '*',
  teams: [team],
  scopes: [],
  actingFor: null,
};

let log: PublishedEvent[];
let reads: number;
let heads: number;
let failing: boolean;
let failures: unknown[];
let ended: string[];
let now: number;
let hub: StreamHub;

beforeEach(() => {
  log = [];
  reads = 0;
  heads = 0;
  failing = false;
  failures = [];
  ended = [];
  now = noon;
  hub = createHub({
    source: {
      head: async () => {
        heads += 1;
        return log.length;
      },
      read: async (_tenant, after, limit) => {
        reads += 1;
        if (failing) throw new Error('the database is away');
        return log.filter(({ position }) => position > after).slice(0, limit);
      },
      onFailed: (error) => void failures.push(error),
    },
    now: () => now,
    onEnded: (why) => void ended.push(why),
  });
});

const event = (changes: Partial<LoggedEvent> = {}): LoggedEvent => ({
  id: uuid(0x1000 + log.length),
  subject: 'ticket/TKT-00000001',
  seq: log.length + 1,
  type: 'ticket.updated',
  at: new Date(noon),
  actor: 'system/test',
  role: 'system',
  source: 'system',
  commandId: 'c',
  data: {},
  content: null,
  journeyId: null,
  entity: null,
  template: null,
  ticket: { product: asProductKey('demo'), requester, assignee: null, team, removed: false },
  handoff: null,
  ...changes,
});

/** Writes so many events, and rings. */
async function tell(count = 1, changes: Partial<LoggedEvent> = {}): Promise<void> {
  for (let n = 0; n < count; n += 1) log.push({ position: log.length + 1, publishedAt: now, event: event(changes) });
  await hub.ring([tenant]);
}

const request = (changes: Partial<StreamRequest> = {}): StreamRequest => ({
  principal: agent,
  credential: 'one',
  numbering: 'position',
  wants: () => true,
  begin: async ({ position }) => ({ frames: [], from: position }),
  check: async () => agent,
  ...changes,
});
const listen = async (changes: Partial<StreamRequest> = {}): Promise<Sse> => new Sse((await hub.open(request(changes))).body);

/** Lets the clock go on, a second at a time. */
async function pass(time: number): Promise<void> {
  for (const end = now + time; now < end;) {
    now += second;
    await hub.tick();
  }
}

test('a stream says when to come back and where it is, then tells what happens from now on', async () => {
  await tell(3);
  const reader = await listen();
  await tell(2);
  expect((await reader.take(2)).map(({ id, event: type, data }) => [id, type, data.seq])).toEqual([
    ['4', 'ticket.updated', 4],
    ['5', 'ticket.updated', 5],
  ]);
  expect(reader.retry).toBe(3_000);
});

test('a comment every 15 seconds, that moves the reader past what was not for it', async () => {
  const reader = await listen({ wants: ({ type }) => type === 'ticket.closed' });
  await tell(7);
  await pass(14 * second);
  await reader.begun();
  expect(reader.comments).toBe(0);
  expect(reader.lastId).toBe('0');
  await pass(second);
  await reader.beat();
  expect(reader.lastId).toBe('7');
  await pass(15 * second);
  await reader.beat();
  expect(reader.comments).toBe(2);
});

test('two hundred readers, one query a round', async () => {
  const readers = await Promise.all(Array.from({ length: 200 }, (_, n) => listen({ credential: String(n % 10) })));
  expect(heads).toBe(1);
  reads = 0;
  await tell(3);
  expect(reads).toBe(1);
  await tell(1);
  expect(reads).toBe(2);
  for (const reader of readers) expect((await reader.take(4)).map(({ id }) => id)).toEqual(['1', '2', '3', '4']);
  expect(hub.size).toBe(200);
});

test('rings while it reads come to one more look, however many', async () => {
  await listen();
  reads = 0;
  log.push({ position: 1, publishedAt: now, event: event() });
  await Promise.all(Array.from({ length: 50 }, () => hub.ring(null)));
  expect(reads).toBeLessThanOrEqual(2);
});

test('a lost ring is healed within a second', async () => {
  const reader = await listen();
  log.push({ position: 1, publishedAt: now, event: event() });
  await pass(second);
  expect((await reader.next())?.id).toBe('1');
});

test('nobody listens: nothing is asked', async () => {
  const reader = await listen();
  await reader.leave();
  reads = 0;
  await tell(1);
  await pass(3 * second);
  expect(reads).toBe(0);
  expect(hub.size).toBe(0);
  expect(ended).toEqual(['gone']);
});

test('what comes while the beginning is read is told behind it, once', async () => {
  const asked: (() => void)[] = [];
  const reading = new Promise<void>((resolve) => void asked.push(resolve));
  const begun: ((beginning: Beginning) => void)[] = [];
  const beginning = new Promise<Beginning>((resolve) => void begun.push(resolve));
  const begin = (): Promise<Beginning> => {
    asked.forEach((answer) => answer());
    return beginning;
  };
  const opening = listen({ begin });
  await reading;
  await tell(5);
  // The beginning tells of the first three.
  begun.forEach((go) => go({ frames: [], from: 3 }));
  const reader = await opening;
  await tell(1);
  expect((await reader.take(3)).map(({ id }) => id)).toEqual(['4', '5', '6']);
});

test('a beginning that fails is the answer, and leaves nothing behind', async () => {
  const failed = hub.open(request({ begin: () => Promise.reject(new Refusal('not_found')) }));
  await expect(failed).rejects.toMatchObject({ code: 'not_found' });
  expect(hub.size).toBe(0);
});

test('what was told lately is remembered for those who come back: no question for them', async () => {
  await tell(700);
  const keeper = await listen();
  await tell(600);
  reads = 0;
  const since = async (position: number, oldest = 0): Promise<number | null> => {
    let found: number | null = null;
    const begin: StreamRequest['begin'] = async (tail) => {
      found = tail.since(position, oldest)?.length ?? null;
      return { frames: [], from: tail.position };
    };
    await (await listen({ begin })).leave();
    return found;
  };
  expect(await since(1_300)).toBe(0);
  expect(await since(1_299)).toBe(1);
  // The last five hundred from before the first reader came.
  expect(await since(200)).toBe(1_100);
  expect(await since(199)).toBeNull();
  // Ahead of what was heard here, and never given at all.
  expect(await since(1_301)).toBeNull();
  expect(await since(1_200, now)).toBe(100);
  expect(await since(1_200, now + 1)).toBeNull();
  expect(reads).toBe(0);
  await keeper.take(600);
  await tell(600);
  await keeper.take(600);
  await tell(600);
  // About a thousand, not all of them for ever.
  expect(await since(1_500)).toBe(1_000);
  expect(await since(1_000)).toBeNull();
});

test('beginnings are read a few at a time, and each gets its turn', async () => {
  let underWay = 0;
  let most = 0;
  const begin: StreamRequest['begin'] = async ({ position }) => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise(setImmediate);
    underWay -= 1;
    return { frames: [], from: position };
  };
  await Promise.all(Array.from({ length: 100 }, (_, n) => listen({ begin, credential: String(n % 5) })));
  expect(most).toBe(4);
  const refused = hub.open(request({ credential: 'x', begin: () => Promise.reject(new Refusal('not_found')) }));
  await expect(refused).rejects.toMatchObject({ code: 'not_found' });
  await listen({ credential: 'x' });
  expect(hub.size).toBe(101);
});

test('a slow reader over 1,000 events behind: resync, then closed; nobody else waits', async () => {
  const slow = await listen();
  const quick = await listen();
  for (let n = 0; n < 10; n += 1) {
    await tell(100);
    await quick.take(100);
  }
  expect(ended).toEqual([]);
  await tell(1);
  expect(ended).toEqual(['slow']);
  expect((await quick.next())?.id).toBe('1001');
  const told = await slow.rest();
  expect(told).toEqual([{ event: 'resync', id: '1001', data: { reason: 'slow_reader', position: 1_001 } }]);
  expect(hub.size).toBe(1);
});

test('a slow reader over a mebibyte behind: the same', async () => {
  await listen();
  await tell(10, { data: { text: 'x'.repeat(100_000) } });
  expect(ended).toEqual([]);
  await tell(1, { data: { text: 'x'.repeat(100_000) } });
  expect(ended).toEqual(['slow']);
});

test('a reader who catches up gets everything, in order', async () => {
  const reader = await listen();
  await tell(900);
  expect((await reader.take(900)).map(({ id }) => Number(id))).toEqual(Array.from({ length: 900 }, (_, index) => index + 1));
  await tell(900);
  expect((await reader.take(900)).at(-1)?.id).toBe('1800');
  expect(ended).toEqual([]);
});

test('a stream ends after an hour', async () => {
  const reader = await listen({ check: async () => agent });
  await pass(hour - second);
  expect(ended).toEqual([]);
  await pass(second);
  expect(ended).toEqual(['age']);
  expect(await reader.rest()).toEqual([]);
});

test('rights are looked at every 30 seconds; losing them closes the stream', async () => {
  let asked = 0;
  let allowed = true;
  const reader = await listen({
    check: async () => {
      asked += 1;
      if (!allowed) throw new Refusal('auth_invalid');
      return agent;
    },
  });
  await pass(30 * second);
  expect(asked).toBe(1);
  await pass(30 * second);
  expect(asked).toBe(2);
  allowed = false;
  await pass(30 * second);
  expect(ended).toEqual(['rights']);
  await tell(1);
  expect(await reader.rest()).toEqual([]);
});

test('other rights are other events, from then on', async () => {
  const moved: Principal = { ...agent, teams: [elsewhere] };
  const reader = await listen({ check: async () => moved });
  await tell(1);
  await pass(30 * second);
  await tell(1);
  await tell(1, { ticket: { product: asProductKey('demo'), requester, assignee: null, team: elsewhere, removed: false } });
  expect((await reader.take(2)).map(({ id }) => id)).toEqual(['1', '3']);
});

test('rights that cannot be looked at now are looked at again later', async () => {
  let away = true;
  await listen({
    check: async () => {
      if (away) throw new Error('the database is away');
      throw new Refusal('auth_expired');
    },
  });
  await pass(30 * second);
  expect(ended).toEqual([]);
  away = false;
  await pass(30 * second);
  expect(ended).toEqual(['rights']);
});

test('a database that is away: nothing is lost, it comes later', async () => {
  const reader = await listen();
  failing = true;
  await tell(2);
  expect(failures).toHaveLength(1);
  failing = false;
  await pass(second);
  expect((await reader.take(2)).map(({ id }) => id)).toEqual(['1', '2']);
});

test('at most 20 streams with one credential; who leaves makes room', async () => {
  const readers = await Promise.all(Array.from({ length: 20 }, () => listen()));
  await expect(hub.open(request())).rejects.toMatchObject({ code: 'rate_limited' });
  await listen({ credential: 'another' });
  await readers[0]?.leave();
  await listen();
  await expect(hub.open(request())).rejects.toMatchObject({ code: 'rate_limited' });
});

test('a thousand streams end at once, and so does whoever comes afterwards', async () => {
  const readers = await Promise.all(Array.from({ length: 1_000 }, (_, n) => listen({ credential: String(n % 50) })));
  await tell(1);
  hub.close();
  expect(hub.size).toBe(0);
  // What was told before is still read.
  for (const reader of readers) expect(await reader.rest()).toHaveLength(1);
  expect(await (await listen()).rest()).toEqual([]);
});

test('a line that is gone from the log takes its number with it', async () => {
  const reader = await listen();
  log.push({ position: 1, publishedAt: now, event: null });
  await tell(1);
  expect((await reader.next())?.id).toBe('2');
});

test('numbers of one subject: what the beginning told is not told again, and the last event ends it', async () => {
  const subject = 'journey/JRN-1';
  const of = (seq: number, type = 'journey.step.entered') => ({ subject, seq, type, journeyId: 'JRN-1', ticket: null });
  const reader = await listen({
    numbering: 'seq',
    wants: (one) => one.subject === subject,
    isLast: ({ type }) => type === 'journey.ended',
    begin: async () => ({ frames: [], from: 2 }),
  });
  await tell(1, of(2));
  await tell(1, { subject: 'journey/JRN-2', seq: 3, ticket: null });
  await tell(1, of(3));
  await tell(1, of(4, 'journey.ended'));
  expect((await reader.rest()).map(({ id, data }) => [id, data.subject])).toEqual([
    ['3', subject],
    ['4', subject],
  ]);
  expect(ended).toEqual(['over']);
});
