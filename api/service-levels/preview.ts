/** Runs a draft of the policies over the open tickets, as they stand; nothing is kept. Source: sla.md, section 5. */
import type { TenantTx } from '../../db/client.js';
import { findCalendarBody, latestCalendars } from '../../db/queries/calendars.js';
import type { LatestCalendars } from '../../db/queries/calendars.js';
import { countOpenTickets, listHeldTickets } from '../../db/queries/held-tickets.js';
import type { HeldRecord } from '../../db/queries/held-tickets.js';
import { findPolicySet } from '../../db/queries/policy-sets.js';
import { seesProduct } from '../../domain/access/principal.js';
import type { Principal } from '../../domain/access/principal.js';
import type { TenantId, TicketId } from '../../domain/ids.js';
import { alwaysOpenCalendar, expand } from '../../domain/sla/calendar.js';
import type { Calendar } from '../../domain/sla/calendar.js';
import { isOpenClock } from '../../domain/sla/clock.js';
import type { WindowsRequest } from '../../domain/sla/ledger.js';
import { matchPolicy } from '../../domain/sla/match.js';
import { alwaysOpen, planOf } from '../../domain/sla/policy.js';
import type { CalendarChoice, CalendarRef, Policy } from '../../domain/sla/policy.js';
import { effects, hoursFor, preview } from '../../domain/sla/preview.js';
import type { Effect, PlanInForce } from '../../domain/sla/preview.js';
import { horizonMs, walk } from '../../domain/sla/windows.js';
import type { Windows } from '../../domain/sla/windows.js';
import { day } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** Tickets one preview looks at, and names for each effect. */
const mostTickets = 20_000;
const mostNamed = 100;
const pageSize = 500;

export interface Previewed {
  readonly open: number;
  readonly looked: number;
  readonly truncated: boolean;
  /** All of them, the gravest first. */
  readonly effects: readonly { readonly effect: Effect; readonly count: number; readonly tickets: readonly TicketId[] }[];
}

export interface PreviewTerms {
  /** The revision the draft would get. */
  readonly revision: number;
  readonly now: Instant;
  /** Whether time is left to look at more. */
  readonly goesOn: () => boolean;
}

/** Looks at open tickets by number until all are seen, there are too many, or the time is over. Only tickets the reader may see are named. */
export async function previewDraft(
  tx: TenantTx,
  reader: Principal,
  policies: readonly Policy[],
  { revision, now, goesOn }: PreviewTerms,
): Promise<Previewed> {
  const { tenant } = reader;
  const books = new Books(tx, tenant, now, await latestCalendars(tx, tenant));
  const found = new Map(effects.map((effect) => [effect, { count: 0, tickets: [] as TicketId[] }]));
  const open = await countOpenTickets(tx, tenant);
  let looked = 0;
  let after: TicketId | null = null;
  for (let more = true; more && looked < mostTickets && goesOn();) {
    const page: HeldRecord[] = await listHeldTickets(tx, tenant, after, pageSize);
    for (const held of page) {
      const effect = preview(held, await books.present(held), await books.draft(held, policies, revision), now);
      const told = found.get(effect);
      if (told === undefined) continue;
      told.count += 1;
      const isNamed = effect !== 'unchanged' && told.tickets.length < mostNamed && seesProduct(reader, held.ticket.product);
      if (isNamed) told.tickets.push(held.ticket.id);
    }
    looked += page.length;
    after = page.at(-1)?.ticket.id ?? after;
    more = page.length === pageSize;
  }
  return {
    open: Math.max(open, looked),
    looked,
    truncated: looked < open,
    effects: [...found].map(([effect, told]) => ({ effect, ...told })),
  };
}

/** Policies and open hours, each looked up once however many tickets need it. */
class Books {
  private readonly tx: TenantTx;
  private readonly tenant: TenantId;
  private readonly now: Instant;
  private readonly latest: LatestCalendars;
  private readonly sets = new Map<number, Promise<readonly Policy[]>>();
  private readonly calendars = new Map<string, Promise<Calendar>>();
  private readonly hours = new Map<string, Windows>();

  constructor(tx: TenantTx, tenant: TenantId, now: Instant, latest: LatestCalendars) {
    this.tx = tx;
    this.tenant = tenant;
    this.now = now;
    this.latest = latest;
  }

  /** What its open clocks run under; all of them under the same. */
  async present(held: HeldRecord): Promise<PlanInForce> {
    const clock = held.clocks.find(isOpenClock);
    if (clock === undefined) return { plan: null, windows: null };
    const policy = (await this.policySet(clock.set)).find(({ id }) => id === clock.policy);
    return policy === undefined ? { plan: null, windows: null } : this.inForce(held, policy, clock.set, clock.calendar);
  }

  /** What it would fall under. */
  async draft(held: HeldRecord, policies: readonly Policy[], revision: number): Promise<PlanInForce> {
    const match = matchPolicy(policies, held.facts);
    if (match === null) return { plan: null, windows: null };
    return this.inForce(held, match.policy, revision, this.calendarOf(held, match.policy.calendar));
  }

  private async inForce(held: HeldRecord, policy: Policy, set: number, calendar: CalendarRef): Promise<PlanInForce> {
    const plan = planOf(policy, set, calendar);
    return { plan, windows: await this.windows(calendar, hoursFor(held, plan, this.now)) };
  }

  private calendarOf({ ticket: { team } }: HeldRecord, choice: CalendarChoice): CalendarRef {
    const ofTeam = choice.use === 'team' && team !== null ? this.latest.teams.get(team) : undefined;
    const id = ofTeam ?? (choice.use === 'team' ? choice.fallback : choice.id);
    return { id, revision: this.latest.revisions.get(id) ?? 1 };
  }

  private policySet(revision: number): Promise<readonly Policy[]> {
    const known = this.sets.get(revision) ?? findPolicySet(this.tx, this.tenant, revision).then((found) => found?.policies ?? []);
    this.sets.set(revision, known);
    return known;
  }

  private calendar(ref: CalendarRef): Promise<Calendar> {
    const key = `${ref.id}/${ref.revision}`;
    const known = this.calendars.get(key) ?? this.loadCalendar(ref);
    this.calendars.set(key, known);
    return known;
  }

  private async loadCalendar(ref: CalendarRef): Promise<Calendar> {
    if (ref.id === alwaysOpen) return alwaysOpenCalendar;
    const found = await findCalendarBody(this.tx, this.tenant, ref);
    if (found === undefined) throw new Error('a calendar that policies or clocks name is never removed');
    return found;
  }

  /** As far as any ticket asked so far needs them; a month more to the past, so that the next one rarely asks again. */
  private async windows(ref: CalendarRef, { from, until, needMs, needFrom }: WindowsRequest): Promise<Windows> {
    const key = `${ref.id}/${ref.revision}`;
    const kept = this.hours.get(key);
    if (kept !== undefined && kept.from <= from && (kept.until >= needFrom + horizonMs || walk(kept, needFrom, needMs) !== null))
      return kept;
    const calendar = await this.calendar(ref);
    const reach = { from: Math.min(from, kept?.from ?? from) - 30 * day, zoneData: '' };
    const near = expand(calendar, ref, { ...reach, until: Math.max(until, kept?.until ?? until), needMs, needFrom });
    // A calendar that opens too little for its policy: all of the five years are known, and no deadline lies within.
    const windows = near === 'horizon' ? expand(calendar, ref, { ...reach, until: needFrom + horizonMs }) : near;
    if (windows === 'horizon') throw new Error('an expansion that needs nothing always ends');
    this.hours.set(key, windows);
    return windows;
  }
}
