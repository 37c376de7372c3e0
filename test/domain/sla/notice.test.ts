import { describe, expect, test } from 'vitest';
import { asAgentId, asTeamId, asTicketId } from '../../../domain/ids.js';
import { isNotice, noticeKey, noticeObsolete, noticeRecipients, staffFor } from '../../../domain/sla/notice.js';
import type { NoticeAbout, NoticeFacts, NoticeObsolete, NoticeReason, StaffMember } from '../../../domain/sla/notice.js';
import { uuid } from '../../support/builders.js';

const agent = (number: number) => asAgentId(uuid(number));
const [support, sales] = [asTeamId(uuid(0x10)), asTeamId(uuid(0x11))];

const member = (number: number, changes: Partial<StaffMember> = {}): StaffMember => ({
  id: agent(number),
  role: 'agent',
  teams: [support],
  hasPhone: true,
  ...changes,
});

/** 1 is an admin without a team, 2 and 3 lead a team each, 4 to 6 are agents; 5 has no phone, 6 is in the other team. */
const staff = [
  member(1, { role: 'admin', teams: [] }),
  member(2, { role: 'lead' }),
  member(3, { role: 'lead', teams: [sales] }),
  member(4),
  member(5, { hasPhone: false }),
  member(6, { teams: [sales] }),
];

const about = (to: NoticeAbout['to'], changes: Partial<NoticeAbout> = {}): NoticeAbout => ({
  clock: 'resolution#1',
  reason: 'breach',
  escalation: null,
  rungs: [{ rung: 'r100', dueAt: 0, lateMs: 0 }],
  to,
  ...changes,
});
const ticket = { assignee: agent(4), team: support };
const settings = { fallback: agent(1), sms: true };
const mailTo = (...to: string[]) => about([{ channel: 'email', to }]);

/** `4 email`, with `fallback` behind it where it is one. */
const told = (...given: Parameters<typeof noticeRecipients>): string[] =>
  noticeRecipients(...given).map(
    ({ agent: id, channel, fallback }) => `${staff.findIndex((person) => person.id === id) + 1} ${channel}${fallback ? ' fallback' : ''}`,
  );

describe('recipients', () => {
  // sla.md, section 6: assignee, lead, on-call, role, team, user.
  test.each([
    ['assignee', ['4 email']],
    ['lead', ['2 email']],
    ['role:admin', ['1 email']],
    ['role:lead', ['2 email', '3 email']],
    ['role:agent', ['4 email', '5 email', '6 email']],
    [`team:${sales}`, ['3 email', '6 email']],
    [`user:${uuid(5)}`, ['5 email']],
  ])('%s', (addressee, expected) => expect(told(mailTo(addressee), ticket, staff, settings)).toEqual(expected));

  test('the leads of every team where the ticket has none, or its team has no lead', () => {
    expect(told(mailTo('lead'), { ...ticket, team: null }, staff, settings)).toEqual(['2 email', '3 email']);
    expect(told(mailTo('lead'), { ...ticket, team: asTeamId(uuid(0x12)) }, staff, settings)).toEqual(['2 email', '3 email']);
  });

  test('each person once by each channel', () => {
    const twice = about([
      { channel: 'email', to: ['assignee', `user:${uuid(4)}`, 'role:agent'] },
      { channel: 'sms', to: ['assignee'] },
    ]);
    expect(told(twice, ticket, staff, settings)).toEqual(['4 email', '5 email', '6 email', '4 sms']);
  });

  test('SMS becomes mail without a number, and where it is not set up', () => {
    const both = about([{ channel: 'sms', to: ['assignee', `user:${uuid(5)}`] }]);
    expect(told(both, ticket, staff, settings)).toEqual(['4 sms', '5 email']);
    expect(told(both, ticket, staff, { ...settings, sms: false })).toEqual(['4 email', '5 email']);
  });

  test.each([
    ['nobody on call', mailTo('on-call')],
    ['no assignee', mailTo('assignee')],
    ['a person who is gone', mailTo(`user:${uuid(99)}`)],
    ['a role there is not', mailTo('role:owner')],
    ['an addressee there is not', mailTo('somebody')],
    ['nobody addressed', about([])],
  ])('%s: the fallback recipient', (_what, notice) => {
    expect(told(notice, { assignee: null, team: null }, staff, settings)).toEqual(['1 email fallback']);
    expect(told(notice, { assignee: null, team: null }, staff, { ...settings, fallback: null })).toEqual([]);
    expect(told(notice, { assignee: null, team: null }, staff, { ...settings, fallback: agent(99) })).toEqual([]);
  });

  test('the fallback recipient is told by the channels that were wanted', () => {
    const both = about([
      { channel: 'sms', to: ['assignee'] },
      { channel: 'email', to: ['on-call'] },
    ]);
    expect(told(both, { assignee: null, team: null }, staff, settings)).toEqual(['1 sms fallback', '1 email fallback']);
  });

  test('are looked for by person, role and team', () => {
    const all = about([
      { channel: 'email', to: ['assignee', 'lead', 'on-call', 'role:admin'] },
      { channel: 'sms', to: [`team:${sales}`, `user:${uuid(5)}`] },
    ]);
    expect(staffFor(all, ticket, agent(1))).toEqual({ people: [agent(4), agent(5), agent(1)], roles: ['lead', 'admin'], teams: [sales] });
    expect(staffFor(mailTo('assignee'), { assignee: null, team: null }, null)).toEqual({ people: [], roles: [], teams: [] });
  });
});

const facts = (changes: Partial<NoticeFacts>): NoticeFacts => ({ ticketRemoved: false, clock: null, escalation: null, ...changes });

describe('a reason', () => {
  // R30; reliability.md, R6.
  test.each<[NoticeReason, Partial<NoticeFacts>, NoticeObsolete | null]>([
    ['warning', { clock: 'running' }, null],
    ['warning', { clock: 'paused' }, null],
    ['warning', { clock: 'fulfilled' }, 'clock_fulfilled'],
    ['breach', { clock: 'cancelled' }, 'clock_cancelled'],
    ['breach', { clock: 'running', escalation: 'in_progress' }, null],
    ['breach', { ticketRemoved: true, clock: 'running' }, 'ticket_removed'],
    ['escalation', { escalation: 'pending' }, null],
    ['escalation', {}, null],
    ['escalation', { escalation: 'in_progress' }, 'acknowledged'],
    ['escalation', { clock: 'fulfilled', escalation: 'pending' }, 'clock_fulfilled'],
    ['escalation', { escalation: 'closed' }, 'escalation_over'],
    ['exhausted', { escalation: 'pending' }, null],
    ['exhausted', { escalation: 'resolved' }, 'escalation_over'],
  ])('%s of %j: %s', (reason, given, expected) => expect(noticeObsolete(reason, facts(given))).toBe(expected));
});

test('the key names ticket, clock, rung, channel and person, and nothing that changes', () => {
  const id = asTicketId('TKT-00000001');
  expect(noticeKey(id, 'notice/resolution#1/r100', 'sms', agent(4))).toBe(`TKT-00000001/resolution#1/r100/sms/${uuid(4)}`);
  expect(noticeKey(id, 'notice/e2/exhausted', 'email', agent(4))).toBe(`TKT-00000001/e2/exhausted/email/${uuid(4)}`);
  expect([isNotice('notice/e2/raised'), isNotice('acknowledgement')]).toEqual([true, false]);
});
