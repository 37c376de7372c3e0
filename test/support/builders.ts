/** Valid values that a test changes in the one thing it is about. Ids are fixed, so that failures read alike. */
import { asContentId, asCustomerId, asProductKey, asTenantId, asTicketId } from '../../domain/ids.js';
import type { Clock } from '../../domain/sla/clock.js';
import { planOf } from '../../domain/sla/policy.js';
import type { SlaPlan } from '../../domain/sla/policy.js';
import type { Window, Windows } from '../../domain/sla/windows.js';
import type { Envelope, OpenFields } from '../../domain/ticket/command.js';
import { decide } from '../../domain/ticket/decide.js';
import { opened } from '../../domain/ticket/escalation.js';
import type { Escalation } from '../../domain/ticket/escalation.js';
import type { Ticket, TicketSettings } from '../../domain/ticket/ticket.js';
import { day, hour, minute, second } from '../../domain/time.js';
import { aPolicy } from './policies.js';

export const noon = Date.UTC(2026, 0, 15, 12);

export const uuid = (number: number): string => `018f3b1e-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;

export const tenant = asTenantId(uuid(1));
export const requester = asCustomerId(uuid(0x30));
export const opening = asContentId(uuid(0x100));

export const settings: TicketSettings = { reopenWindowS: 7 * 24 * 3600, mail: { acknowledgement: true, reply: true, resolved: true } };

export const anOpen = (changes: Partial<OpenFields> = {}): OpenFields => ({
  tenant,
  ticketId: asTicketId('TKT-00000001'),
  scope: 'test',
  product: asProductKey('demo'),
  channel: 'api',
  priority: 'medium',
  category: null,
  requester,
  copied: [],
  content: opening,
  settings,
  ...changes,
});

export const anEnvelope = (changes: Partial<Envelope> = {}): Envelope => ({
  commandId: 'command-1',
  actor: `user/${uuid(0x20)}`,
  role: 'admin',
  source: 'api',
  ...changes,
});

/** A ticket opened at noon, then changed by hand. */
export function aTicket(changes: Partial<Ticket> = {}): Ticket {
  const decision = decide(null, { kind: 'open', ...anEnvelope({ commandId: 'open' }), ...anOpen() }, noon);
  if (!decision.ok) throw new Error(`the builder's own ticket was refused: ${decision.code}`);
  return { ...decision.state, ...changes };
}

/** The first of its ticket, raised by a person at noon, then changed by hand. */
export const anEscalation = (changes: Partial<Escalation> = {}): Escalation => ({
  ...opened(
    { level: 1, to: { kind: 'lead' }, raisedBy: anEnvelope().actor, reason: null, from: null, ackWithinS: null, takeOver: false },
    [],
    noon,
  ),
  ...changes,
});

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
/** The week the cases of sla.md speak of. */
const monday = Date.UTC(2026, 6, 20);

/** `mon 09:00`, `tue 17:00:01`, `wed+1 10:00` for a week later: UTC, in the week of Monday 2026-07-20. */
export function on(text: string): number {
  const [, name = '', weeks = '0', hours = '', minutes = '', seconds = '0'] =
    /^([a-z]{3})([+-]\d+)? (\d\d):(\d\d)(?::(\d\d(?:\.\d{3})?))?$/.exec(text) ?? [];
  if (!weekdays.includes(name)) throw new Error(`'${text}' is no instant such as 'mon 09:00'`);
  const days = weekdays.indexOf(name) + 7 * Number(weeks);
  return monday + days * day + Number(hours) * hour + Number(minutes) * minute + Math.round(Number(seconds) * second);
}

interface Office {
  readonly calendar: string;
  readonly revision: number;
  /** Hours of the day. */
  readonly opens: number;
  readonly closes: number;
  /** From Monday on. */
  readonly days: number;
  readonly from: number;
  readonly until: number;
  readonly zoneData: string;
}

/** Open hours of an office: K1 of sla.md, Mondays to Fridays from 9 to 17, UTC, from two weeks before the cases' week to ten after it. */
export function someWindows(changes: Partial<Office> = {}): Windows {
  const k1 = { calendar: 'k1', revision: 1, opens: 9, closes: 17, days: 5, from: on('mon-2 00:00'), until: on('mon+10 00:00') };
  const { calendar, revision, opens, closes, days, from, until, zoneData } = { ...k1, zoneData: '2026a', ...changes };
  const windows: Window[] = [];
  for (let date = on('mon-9 00:00'); date < until; date += day) {
    const open = Math.max(date + opens * hour, from);
    const close = Math.min(date + closes * hour, until);
    const weekday = ((date - monday) / day + 70) % 7;
    if (weekday < days && open < close) windows.push([open, close]);
  }
  return { calendar: { id: calendar, revision }, from, until, windows, zoneData };
}

/** The same budget for every priority. */
export const always = (seconds: number): { readonly [Level in 'low' | 'medium' | 'high' | 'urgent']: number } => ({
  low: seconds,
  medium: seconds,
  high: seconds,
  urgent: seconds,
});

/** Eight hours of the office's time to resolve, whatever the priority. */
export const aPlan = (changes: Partial<SlaPlan> = {}): SlaPlan => ({ ...planOf(aPolicy(), 1, { id: 'k1', revision: 1 }), ...changes });

/** A resolution clock that runs since Monday 9:00. */
export const aClock = (changes: Partial<Clock> = {}): Clock => ({
  clock: 'resolution#1',
  kind: 'resolution',
  set: 1,
  policy: 'standard',
  calendar: { id: 'k1', revision: 1 },
  originAt: on('mon 09:00'),
  budgetS: 28_800,
  consumedS: 0,
  wallS: 0,
  phase: 'running',
  since: on('mon 09:00'),
  causes: [],
  breach: null,
  fulfilledAt: null,
  reason: null,
  fired: [],
  behind: null,
  dueAt: on('mon 17:00'),
  learned: { at: on('mon 09:00'), cause: 'late_ingest' },
  segments: 0,
  waived: false,
  ...changes,
});
