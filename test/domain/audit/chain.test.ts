/** The chain of the audit. The vector and the rules are those of security.md, section 7. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { beginning, findBreak, findLoss, seal, sealedText } from '../../../domain/audit/chain.js';
import type { AuditRecord, Chaining, SealedRecord } from '../../../domain/audit/chain.js';
import { canonical } from '../../../domain/journey/json.js';
import { sha256 } from '../../../db/queries/audit-chain.js';
import { uuid } from '../../support/builders.js';

const line = (n: number, over: Partial<AuditRecord> = {}): AuditRecord => ({
  id: uuid(n),
  tenant: uuid(1),
  at: `2026-01-01T00:00:0${n % 10}.000Z`,
  actor: `user/${uuid(0x20)}`,
  actingFor: null,
  source: 'api',
  action: 'ticket.resolve',
  subject: 'ticket/TKT-00000000',
  changes: { events: [{ seq: n, type: 'ticket.resolved', data: { from: 'new' } }] },
  reason: null,
  requestId: `req-${n}`,
  ...over,
});
const chainOf = (length: number): SealedRecord[] =>
  seal(
    beginning,
    Array.from({ length }, (_, index) =>
      line(index + 1, index % 2 === 0 ? {} : { actingFor: `customer/${uuid(0x30)}`, reason: uuid(0x40) }),
    ),
    sha256,
  );

test('the two hashes of the page', () => {
  const one = '{"action":"ticket.resolve","actor":"u1","at":"2026-01-01T00:00:00.000Z","seq":1,"subject":"TKT-00000000","tenant":"t1"}';
  const given = { tenant: 't1', subject: 'TKT-00000000', seq: 1, at: '2026-01-01T00:00:00.000Z', actor: 'u1', action: 'ticket.resolve' };
  expect(canonical(given)).toBe(one);
  const first = sha256('0'.repeat(64), one);
  expect(first).toBe('0df5b4018fc4d407f502b3bc1b3fc392aed0902d7883d7ff1b0afb003e0a755e');
  const second = sha256(first, canonical({ ...given, action: 'ticket.close', seq: 2 }));
  expect(second).toBe('80c893484828069aa7dae6135218b95cd19691eb29ae0f8efa84b1f05176f221');
  expect(beginning).toEqual({ seq: 0, hash: '0'.repeat(64) });
});

test('the hash is over the bytes of the hash before and the text in UTF-8', () => {
  const before = 'ab'.repeat(32);
  const bytes = Buffer.concat([Buffer.from(before, 'hex'), Buffer.from('{"é":"€"}', 'utf8')]);
  expect(sha256(before, '{"é":"€"}')).toBe(createHash('sha256').update(bytes).digest('hex'));
});

test('the text of a line has its members in order, those that say nothing left out', () => {
  expect(sealedText(line(1, { requestId: null, changes: { to: 'b', from: 'a' } }), 7)).toBe(
    `{"action":"ticket.resolve","actor":"user/${uuid(0x20)}","at":"2026-01-01T00:00:01.000Z","changes":{"from":"a","to":"b"},"id":"${uuid(1)}",` +
      `"seq":7,"source":"api","subject":"ticket/TKT-00000000","tenant":"${uuid(1)}"}`,
  );
  expect(JSON.parse(sealedText(line(1, { actingFor: 'customer/x', reason: uuid(2) }), 1))).toMatchObject({
    actingFor: 'customer/x',
    reason: uuid(2),
    requestId: 'req-1',
  });
});

// RFC 8785, appendix B and section 3.2.3, as far as they concern what a line may hold.
test.each([
  [{ '€': 1, '\r': 2, '\ufb33': 3, '1': 4, '😀': 5, '\u0080': 6, ö: 7 }, '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}'],
  [[1e21, 1e-7, 0.000001, -0, 333333333.3333333, 4.5, 2e-3], '[1e+21,1e-7,0.000001,0,333333333.3333333,4.5,0.002]'],
  [['\u000f\n"\\/', null, true, false], '["\\u000f\\n\\"\\\\/",null,true,false]'],
])('canonical JSON %#', (value, text) => {
  expect(canonical(value)).toBe(text);
});

describe('a chain', () => {
  const chain = chainOf(6);
  const last = { seq: 6, hash: chain[5]?.hash ?? '' };

  test('that nobody touched is good to its end, also in parts', () => {
    expect(findBreak(beginning, chain, sha256)).toEqual({ good: last, bad: null });
    const part = findBreak(beginning, chain.slice(0, 4), sha256);
    expect(part).toMatchObject({ good: { seq: 4 }, bad: null });
    expect(findBreak(part.good, chain.slice(4), sha256)).toEqual({ good: last, bad: null });
    expect(findBreak(last, [], sha256)).toEqual({ good: last, bad: null });
    expect(seal(part.good, chain.slice(4), sha256)).toEqual(chain.slice(4));
  });

  const others: { readonly [Member in keyof SealedRecord]: (line: SealedRecord) => SealedRecord[Member] } = {
    id: () => uuid(0xffff),
    tenant: () => uuid(0xfffe),
    at: () => '2026-01-01T00:00:00.001Z',
    actor: () => 'user/somebody-else',
    actingFor: ({ actingFor }) => (actingFor === null ? 'customer/x' : null),
    source: () => 'operator',
    action: () => 'ticket.close',
    subject: () => 'ticket/TKT-00000001',
    changes: () => ({ events: [] }),
    reason: ({ reason }) => (reason === null ? uuid(0x41) : null),
    requestId: () => null,
    seq: ({ seq }) => seq + 1,
    prevHash: () => 'f'.repeat(64),
    hash: () => 'e'.repeat(64),
  };
  const members = Object.keys(others) as (keyof SealedRecord)[];
  const places = chain.map((_, index) => index);

  test.each(members.flatMap((member) => places.map((place) => [member, place] as const)))(
    'with another %s in line %i is bad there',
    (member, place) => {
      const forged = chain.map((one, index) => (index === place ? { ...one, [member]: others[member](one) } : one));
      const { good, bad } = findBreak(beginning, forged, sha256);
      expect(good.seq).toBe(place);
      expect(bad?.seq).toBe(place + 1);
      expect(bad?.fault).toBe(member === 'seq' ? 'missing' : member === 'prevHash' ? 'unchained' : 'altered');
    },
  );

  test.each(places.slice(0, -1))('without line %i is bad there', (place) => {
    const rest = chain.filter((_, index) => index !== place);
    expect(findBreak(beginning, rest, sha256).bad).toEqual({ seq: place + 1, id: null, fault: 'missing' });
  });

  test.each(places)('with a line put in before line %i is bad there', (place) => {
    const { id } = line(0x99);
    const into = [...chain.slice(0, place), ...seal(chain[place - 1] ?? beginning, [line(0x99)], sha256), ...chain.slice(place)];
    const { bad } = findBreak(beginning, into, sha256);
    expect(bad).toEqual({ seq: place + 1, id: chain[place]?.id, fault: 'misplaced' });
    expect(bad?.id).not.toBe(id);
  });

  test.each(places.slice(0, -1))('with lines %i and the next one changed for each other is bad there', (place) => {
    const swapped = chain.map((one, index) => {
      const other = index === place ? chain[place + 1] : index === place + 1 ? chain[place] : undefined;
      if (other === undefined) return one;
      const { seq, prevHash, hash } = one;
      return { ...other, seq, prevHash, hash };
    });
    expect(findBreak(beginning, swapped, sha256).bad).toMatchObject({ seq: place + 1, fault: 'altered' });
  });

  test('sealed anew from some line on is good in itself, and bad to who noted an end', () => {
    const forged = [...chain.slice(0, 2), ...seal(chain[1] ?? beginning, [line(0x77), ...chain.slice(3)], sha256)];
    const { good, bad } = findBreak(beginning, forged, sha256);
    expect(bad).toBeNull();
    expect(findLoss(good, last)).toEqual({ seq: 6, id: null, fault: 'altered' });
  });

  test('that lost its last lines is good in itself, and bad to who noted an end', () => {
    const { good } = findBreak(beginning, chain.slice(0, 4), sha256);
    expect(findLoss(good, last)).toEqual({ seq: 5, id: null, fault: 'missing' });
    expect(findLoss(last, last)).toBeNull();
    expect(findLoss(last, good)).toBeNull();
  });
});

const plain: Chaining = (previous, text) => `${previous.length}:${text.length}`;

test('the hash is whatever it is handed', () => {
  const [one] = seal(beginning, [line(1)], plain);
  expect(one?.hash).toBe(`64:${sealedText(line(1), 1).length}`);
});
