/** A ticket's clocks: how they stand, why, and what a person may do to them. Source: sla.md, sections 3 and 8. */
import { v7 } from 'uuid';
import type { Caller, Reader } from '../caller.js';
import type { Deps } from '../deps.js';
import { Refusal, refusalOf } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import { authorOf, contentIdOf, envelopeOf } from '../tickets/engine.js';
import type { TicketEngine, Written } from '../tickets/engine.js';
import { readHours } from './hours.js';
import type { Hours } from './hours.js';
import { clockOf } from './names.js';
import type { ClockExplanation, ClockView, ExplainQuery, OverrideTargetBody, WaiveBody } from './schema.js';
import { clockView, explanationView } from './view.js';
import type { ClockNow } from './view.js';
import { timesIn } from './zone.js';
import { findClock, findClockStory, listClocks } from '../../db/queries/clocks.js';
import type { ContentRow } from '../../db/queries/content.js';
import { recordOnRow } from '../../db/queries/projection.js';
import { lockTicket } from '../../db/queries/tickets.js';
import type { TicketFacts, WholeTicket } from '../../db/queries/tickets.js';
import { originOf } from '../../domain/actor.js';
import type { ContentId } from '../../domain/ids.js';
import { consumedAt, isOpenClock, wholeSecond } from '../../domain/sla/clock.js';
import type { Clock } from '../../domain/sla/clock.js';
import { act } from '../../domain/sla/desk.js';
import { carriedS, checkOf, sentenceOf, stretchesOf, usedS } from '../../domain/sla/explain.js';
import { emptyLedger } from '../../domain/sla/ledger.js';
import type { Instant } from '../../domain/time.js';

export type ClockService = ReturnType<typeof createClockService>;

export function createClockService({ now, metrics }: Pick<Deps, 'now' | 'metrics'>, engine: TicketEngine) {
  const byReason = async (
    caller: Caller,
    row: WholeTicket,
    kind: 'pauseClocks' | 'resumeClocks',
    given: string | undefined,
  ): Promise<Written> => {
    const { fields, texts } = reasonOf(caller, given);
    return engine.run(caller, row, kind, fields, { texts });
  };

  /** No workflow holds the clocks of a closed ticket any more; a breach can still be excused. */
  const waiveClosed = async (caller: Caller, row: WholeTicket, clock: string, { fields, texts }: Reason): Promise<Written> => {
    if (caller.expected === 'never') throw new Refusal('version_mismatch', { members: { current: row.version } });
    const { tenant } = caller.principal;
    const expected = caller.expected === null ? {} : { expectedVersion: caller.expected };
    const command = { kind: 'waive', ...envelopeOf(caller), ...expected, clock, ...fields } as const;
    await engine.within(caller, async (tx) => {
      await takeKey(tx, caller, { texts });
      const ticket = await lockTicket(tx, tenant, row.id);
      const found = await findClock(tx, tenant, row.id, clock);
      const at = now();
      const ledger = { ...emptyLedger, clocks: found === undefined ? [] : [found] };
      const outcome = act(ticket ?? null, ledger, command, at);
      if (!outcome.ok) throw refusalOf(outcome.code, outcome.members);
      if (outcome.events.length === 0) return;
      const { commandId, actor, role, source } = command;
      const step = { commandId, kind: 'waive', actor, role, source, ...originOf(command), runId: 'api', at, planned: [] } as const;
      const { events, sla } = outcome;
      await recordOnRow(tx, { ...step, events, ticket: outcome.ticket, ...(sla === null ? {} : { sla }) }, v7);
    });
    return engine.finish(caller, row.id, null, null);
  };

  return {
    async list(reader: Reader, { id }: TicketFacts): Promise<{ data: ClockView[] }> {
      const { tenant } = reader.principal;
      return engine.within(reader, async (tx) => {
        const clocks = await listClocks(tx, tenant, id);
        const hours = await readHours(
          tx,
          tenant,
          clocks.filter(isOpenClock).map(({ calendar }) => calendar),
        );
        const at = wholeSecond(now());
        return { data: clocks.map((clock) => clockView(standing(clock, hours, at))) };
      });
    },

    /** @throws Refusal `sla.unknown_clock`; `unknown_parameter` for a zone that is none */
    async explain(reader: Reader, { id }: TicketFacts, named: string, { zone: asked }: ExplainQuery): Promise<ClockExplanation> {
      const { tenant } = reader.principal;
      const name = clockOf(named) ?? '';
      return engine.within(reader, async (tx) => {
        const clock = await findClock(tx, tenant, id, name);
        if (clock === undefined) throw new Refusal('sla.unknown_clock');
        const { segments, changes, rungs } = await findClockStory(tx, tenant, id, name);
        const hours = await readHours(tx, tenant, [clock.calendar, ...segments.map(({ calendar }) => calendar)]);
        const zone = asked ?? hours.calendar(clock.calendar).zone;
        const show = timesIn(zone);
        if (show === null) {
          throw new Refusal('unknown_parameter', {
            errors: [{ pointer: 'zone', code: 'invalid', message: 'must be a known IANA time zone' }],
          });
        }
        const at = now();
        const hoursOf = hours.covering([...segments, { calendar: clock.calendar, from: clock.since, to: at }]);
        const stretches = stretchesOf(clock, segments, at, hoursOf);
        const check = checkOf(clock, stretches, hoursOf);
        metrics.explained(check);
        return explanationView({
          clock,
          stretches,
          changes,
          rungs,
          zone,
          check,
          consumedS: usedS(clock, stretches),
          carriedS: carriedS(clock, stretches),
          sentence: sentenceOf({ clock, stretches, changes }, { zone, show }),
        });
      });
    },

    pause: (caller: Caller, row: WholeTicket, reason: string | undefined): Promise<Written> => byReason(caller, row, 'pauseClocks', reason),
    resume: (caller: Caller, row: WholeTicket, reason: string | undefined): Promise<Written> =>
      byReason(caller, row, 'resumeClocks', reason),

    async override(caller: Caller, row: WholeTicket, { clock, budgetS, reason }: OverrideTargetBody): Promise<Written> {
      const { fields, texts } = reasonOf(caller, reason);
      return engine.run(caller, row, 'overrideTarget', { clock: clockOf(clock) ?? clock, budgetS, ...fields }, { texts });
    },

    async waive(caller: Caller, row: WholeTicket, { clock, reason }: WaiveBody): Promise<Written> {
      const name = clockOf(clock) ?? clock;
      const said = reasonOf(caller, reason);
      if (row.status === 'closed') return waiveClosed(caller, row, name, said);
      return engine.run(caller, row, 'waive', { clock: name, ...said.fields }, { texts: said.texts });
    },
  };
}

interface Reason {
  readonly fields: { readonly reason: ContentId };
  readonly texts: readonly ContentRow[];
}

/** @throws Refusal `reason_required` */
function reasonOf(caller: Caller, given: string | undefined): Reason {
  const body = given?.trim() ?? '';
  if (body.length < 3) throw new Refusal('reason_required');
  const id = contentIdOf(caller, 'reason');
  return { fields: { reason: id }, texts: [{ id, kind: 'reason', visibility: 'internal', ...authorOf(caller), body }] };
}

/** A clock at an instant; what the workflow has not said yet is counted here. */
function standing(clock: Clock, hours: Hours, at: Instant): ClockNow {
  const { phase, since, calendar, breach, consumedS } = clock;
  if (phase === 'paused') {
    const dueIfResumedNow = breach === null ? hours.dueAfter(calendar, Math.max(at, since), clock.budgetS - consumedS) : null;
    return { clock, consumedS, dueIfResumedNow };
  }
  if (phase !== 'running' || at <= since) return { clock, consumedS, dueIfResumedNow: null };
  const windows = hours.covering([{ calendar, from: since, to: at }])(calendar);
  return { clock, consumedS: consumedAt(clock, windows, at) ?? consumedS, dueIfResumedNow: null };
}
