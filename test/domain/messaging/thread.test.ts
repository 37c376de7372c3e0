import { describe, expect, test } from 'vitest';
import { asTicketId } from '../../../domain/ids.js';
import type { TicketId } from '../../../domain/ids.js';
import { parseHeaders } from '../../../domain/messaging/headers.js';
import { findThread, quotedIds, routeClosed, routeMail } from '../../../domain/messaging/thread.js';
import type { RouteFacts } from '../../../domain/messaging/thread.js';

const [one, two, three] = [asTicketId('TKT-00000001'), asTicketId('TKT-00000002'), asTicketId('TKT-00000003')];

describe('the thread of a mail', () => {
  test('In-Reply-To comes first, then References from the last to the first, each once', () => {
    const headers = parseHeaders('References: <a@x> <b@x>\r\n <c@x>\r\nIn-Reply-To: <b@x>\r\n');
    expect(quotedIds(headers)).toEqual(['<b@x>', '<c@x>', '<a@x>']);
    expect(quotedIds(parseHeaders('Subject: none'))).toEqual([]);
    expect(quotedIds(parseHeaders(`References: ${Array.from({ length: 300 }, (_, index) => `<${index}@x>`).join(' ')}`))).toHaveLength(100);
  });

  // service-desk.md, section 3: first hit wins.
  test.each<[string, { signed?: Record<string, TicketId>; stored?: Record<string, TicketId>; reply?: TicketId }, TicketId | null]>([
    ['our signature, even behind a stored one', { signed: { '<old@x>': one }, stored: { '<new@x>': two }, reply: three }, one],
    ['the first of two signatures', { signed: { '<new@x>': two, '<old@x>': one } }, two],
    ['a stored Message-ID before the answer address', { stored: { '<old@x>': two }, reply: three }, two],
    ['the first of two stored ones', { stored: { '<old@x>': one, '<new@x>': two } }, two],
    ['the answer address', { reply: three }, three],
    ['nothing', {}, null],
  ])('%s', (_, { signed = {}, stored = {}, reply = null }, expected) => {
    const clues = {
      quoted: ['<new@x>', '<old@x>'],
      signed: (id: string) => signed[id] ?? null,
      stored: new Map(Object.entries(stored)),
      reply,
    };
    expect(findThread(clues)).toBe(expected);
  });
});

const held = (cause: string) => ({ kind: 'quarantine', cause });

describe('what becomes of a mail', () => {
  type Sender = 'participant' | 'agent' | 'stranger' | null;
  const facts = (sender: Sender, changes: Partial<RouteFacts> = {}, strangers: 'new_ticket' | 'quarantine' = 'new_ticket'): RouteFacts => ({
    auto: false,
    released: false,
    thread: sender === null ? null : { ticket: one, sender, strangers },
    ...changes,
  });
  const opens = { kind: 'open', followUpOf: null };
  const linked = { kind: 'open', followUpOf: one };

  test.each<[string, RouteFacts, unknown]>([
    ['a new conversation opens', facts(null), opens],
    ['a participant writes into the ticket', facts('participant'), { kind: 'receive', ticket: one }],
    ['also automatically', facts('participant', { auto: true }), { kind: 'receive', ticket: one }],
    ['a stranger opens a linked one', facts('stranger'), linked],
    ['or waits, per product', facts('stranger', {}, 'quarantine'), held('not_participant')],
    ['until released, and then still not into the ticket', facts('stranger', { released: true }, 'quarantine'), linked],
    ['an agent cannot be told from a forger', facts('agent'), held('not_participant')],
    ['and is released as a stranger', facts('agent', { released: true }), linked],
    ['automatic mail starts nothing', facts(null, { auto: true }), held('loop_suspected')],
    ['nor does a stranger’s', facts('stranger', { auto: true }), held('loop_suspected')],
    ['unless a person lets it', facts(null, { auto: true, released: true }), opens],
  ])('%s', (_, given, expected) => {
    expect(routeMail(given)).toEqual(expected);
  });

  test('a closed ticket is followed up, but not by a machine', () => {
    expect(routeClosed({ auto: false, released: false }, one)).toEqual(linked);
    expect(routeClosed({ auto: true, released: false }, one)).toEqual(held('loop_suspected'));
    expect(routeClosed({ auto: true, released: true }, one)).toEqual(linked);
  });
});
