import { describe, expect, test } from 'vitest';
import { asProductKey, asTicketId } from '../../../domain/ids.js';
import { noticeHtml, noticeSms, noticeSubject, noticeText } from '../../../domain/messaging/notice-words.js';
import type { NoticeWords } from '../../../domain/messaging/notice-words.js';
import type { NoticeAbout, NoticeReason } from '../../../domain/sla/notice.js';
import { clockKinds } from '../../../domain/sla/policy.js';
import { noon } from '../../support/builders.js';

const hour = 3_600_000;

const about = (changes: Partial<NoticeAbout> = {}): NoticeAbout => ({
  clock: 'resolution#1',
  reason: 'breach',
  escalation: null,
  rungs: [
    { rung: 'r75', dueAt: noon - hour, lateMs: 3_600_999 },
    { rung: 'r100', dueAt: noon, lateMs: 999 },
  ],
  to: [],
  ...changes,
});
const words = (changes: Partial<NoticeWords> = {}): NoticeWords => ({
  about: about(),
  ticket: { id: asTicketId('TKT-00000001'), priority: 'urgent', status: 'in_progress' },
  product: { key: asProductKey('demo'), name: 'Demo & <product>' },
  escalation: null,
  fallback: false,
  links: [{ name: 'Ticket', url: 'https://desk.example/v1/tickets/TKT-00000001' }],
  ...changes,
});
const escalation = { n: 2, level: 3, to: 'team', ackDueAt: noon + hour };

describe('the subject', () => {
  test.each<[NoticeReason, string | null, string]>([
    ['warning', 'first_response#1', '[TKT-00000001] first response warning (urgent)'],
    ['breach', 'resolution#2', '[TKT-00000001] resolution breached (urgent)'],
    ['escalation', 'resolution#1', '[TKT-00000001] resolution escalated (urgent)'],
    ['escalation', null, '[TKT-00000001] escalated (urgent)'],
    ['exhausted', null, '[TKT-00000001] escalation not acknowledged (urgent)'],
  ])('of %s on %s', (reason, clock, expected) => expect(noticeSubject(words({ about: about({ reason, clock }) }))).toBe(expected));
});

test('the text names ticket, clock, and the rungs in order with their lateness', () => {
  expect(noticeText(words())).toBe(`TKT-00000001: resolution breached

Ticket:     TKT-00000001
Product:    Demo & <product>
Priority:   urgent
Status:     in_progress
Clock:      resolution#1

r75: due 2026-01-15T11:00:00Z, 3600 s late
r100: due 2026-01-15T12:00:00Z, on time

Ticket: https://desk.example/v1/tickets/TKT-00000001
`);
});

test('of an escalation it says by when somebody has to answer, and why it came to its reader', () => {
  const raised = words({ about: about({ clock: null, rungs: [], reason: 'escalation' }), escalation, fallback: true, links: [] });
  expect(noticeText(raised)).toBe(`TKT-00000001: escalated

Ticket:     TKT-00000001
Product:    Demo & <product>
Priority:   urgent
Status:     in_progress
Escalation: e2, level 3, to team, to acknowledge by 2026-01-15T13:00:00Z

You get this because nobody it was addressed to was found.
`);
  expect(noticeText({ ...raised, escalation: { ...escalation, ackDueAt: null } })).toContain('Escalation: e2, level 3, to team\n');
  expect(noticeHtml(raised)).toContain('<p>You get this because nobody it was addressed to was found.</p>');
  expect(noticeHtml(raised)).not.toContain('<ol>');
});

test('the HTML says the same, and markup in a name stays text', () => {
  const html = noticeHtml(words({ links: [{ name: 'Ticket', url: 'https://desk.example/?a=1&b="2"' }] }));
  expect(html).toContain('<td>Product</td><td>Demo &amp; &lt;product&gt;</td>');
  expect(html).toContain('<li>r75: due 2026-01-15T11:00:00Z, 3600 s late</li><li>r100: due 2026-01-15T12:00:00Z, on time</li>');
  expect(html).toContain('<a href="https://desk.example/?a=1&amp;b=&quot;2&quot;">Ticket</a>');
});

describe('the SMS', () => {
  test.each<[string, Partial<NoticeWords>, string]>([
    ['a breach', {}, 'Usher TKT-00000001 urgent: resolution breached, due 2026-01-15T11:00:00Z, 2 rungs. demo. Ref 7K3Q9DAB'],
    [
      'one rung',
      { about: about({ reason: 'warning', rungs: about().rungs.slice(1) }) },
      'Usher TKT-00000001 urgent: resolution warning, due 2026-01-15T12:00:00Z. demo. Ref 7K3Q9DAB',
    ],
    [
      'an escalation',
      { about: about({ reason: 'escalation', clock: null, rungs: [] }), escalation },
      'Usher TKT-00000001 urgent: escalated, acknowledge by 2026-01-15T13:00:00Z. demo. Ref 7K3Q9DAB',
    ],
    [
      'an escalation without a window',
      { about: about({ reason: 'exhausted', clock: null, rungs: [] }), escalation: { ...escalation, ackDueAt: null } },
      'Usher TKT-00000001 urgent: escalation not acknowledged. demo. Ref 7K3Q9DAB',
    ],
  ])('of %s', (_what, changes, expected) => expect(noticeSms(words(changes), '7K3Q9DAB')).toBe(expected));

  // The characters of GSM 03.38 that count as one, as far as they are ASCII.
  const gsm = /^[A-Za-z0-9 @$_!"#%&'()*+,\-./:;<=>?\n]*$/;

  test.each(clockKinds)('fits one message of 160 characters, whatever it is about: %s', (kind) => {
    const reasons: NoticeReason[] = ['warning', 'breach', 'escalation', 'exhausted'];
    const rungs = Array.from({ length: 100 }, (_, index) => ({ rung: `r${index}`, dueAt: noon, lateMs: 0 }));
    const product = { key: asProductKey('a'.repeat(63)), name: 'A' };
    for (const reason of reasons) {
      const text = noticeSms(words({ about: about({ clock: `${kind}#12`, reason, rungs }), escalation, product }), '7K3Q9DAB');
      expect(text.length).toBeLessThanOrEqual(160);
      expect(text).toMatch(gsm);
      expect(text).toMatch(/\. a+\. Ref 7K3Q9DAB$/);
    }
  });
});
