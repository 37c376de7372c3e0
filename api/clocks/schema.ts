/** The wire shapes of running service levels. */
import { z } from 'zod';
import { Lines } from '../../domain/configuration/schema.js';
import { cancelReasons } from '../../domain/sla/clock.js';
import { clockKinds } from '../../domain/sla/policy.js';
import { Moment, storable } from '../contract.js';
import { TicketParams } from '../tickets/schema.js';

export const ClockParams = z.object({ ...TicketParams.shape, clock: z.string().describe('such as resolution.1') });

const ClockName = z
  .string()
  .regex(/^[a-z_]{1,30}[.#][1-9][0-9]{0,5}$/, 'must be the name of a clock, such as resolution.1')
  .describe('such as resolution.1');

/** Whether the reason is there is not a question of form: without one the caller may not. */
const Reason = z.exactOptional(Lines(500)).describe('3 to 500 characters; it goes into the log');

export const ClocksBody = z.strictObject({ reason: Reason }).meta({ id: 'ClocksBody' });
export const OverrideTargetBody = z
  .strictObject({
    clock: ClockName,
    budgetS: z.int().min(1).max(315_360_000).describe('the whole budget in open seconds; what is used up stays used up'),
    reason: Reason,
  })
  .meta({ id: 'OverrideTargetBody' });
export type OverrideTargetBody = z.output<typeof OverrideTargetBody>;
export const WaiveBody = z.strictObject({ clock: ClockName, reason: Reason }).meta({ id: 'WaiveBody' });
export type WaiveBody = z.output<typeof WaiveBody>;

const clock = {
  clock: z.string().describe('its name, as in addresses: resolution.1'),
  kind: z.enum(clockKinds),
  phase: z.enum(['running', 'paused', 'fulfilled', 'cancelled']),
  policy: z.string(),
  policyRevision: z.int().describe('of the policy set'),
  calendar: z.string(),
  calendarRevision: z.int(),
  originAt: Moment,
  budgetS: z.int(),
  consumedS: z.int().describe('open seconds used up by now, or by its end'),
  dueAt: Moment.nullable().describe('null while paused; the breach once there was one'),
  breachedAt: Moment.nullable(),
  breachCause: z.enum(['deadline', 'retarget', 'reopen', 'late_ingest']).nullable(),
  lateMs: z.int().nullable().describe('how much later than due the breach was recorded'),
  fulfilledAt: Moment.nullable(),
  outcome: z.enum(['met', 'breached']).nullable().describe('null while nothing is decided, and when cancelled in time'),
  overrunS: z.int().nullable().describe('used up beyond the budget in force at the breach; null without one'),
  waived: z.boolean().describe('the breach is excused'),
};

export const ClockView = z
  .strictObject({
    ...clock,
    remainingS: z.int().describe('budget less what is used up; negative when over'),
    dueIfResumedNow: Moment.nullable().describe('only of a paused clock that is not breached'),
    causes: z.array(z.string()).describe('why it pauses: status, manual, approval:<id>'),
    runningSince: Moment.nullable(),
    endedAt: Moment.nullable(),
    reason: z.enum(cancelReasons).nullable().describe('why it was cancelled'),
    spareS: z.int().nullable().describe('left over when it was met'),
    fired: z.array(z.string()).describe('rungs of the ladder that fired'),
  })
  .meta({ id: 'Clock' });
export type ClockView = z.output<typeof ClockView>;
export const ClockList = z.strictObject({ data: z.array(ClockView) }).meta({ id: 'ClockList' });

export const ExplainQuery = z.strictObject({
  zone: z.exactOptional(storable.min(1).max(64)).describe('IANA zone of the sentence; the calendar’s when left out'),
});
export type ExplainQuery = z.output<typeof ExplainQuery>;

const change = { at: Moment, reason: z.string(), actor: z.string() };

export const ClockExplanation = z
  .strictObject({
    ...clock,
    carriedS: z.int().describe('used up by the instance it goes on from, when a policy came back'),
    zone: z.string(),
    sentence: z.string(),
    check: z.enum(['ok', 'mismatch']).describe('whether counting again by the calendars’ revisions gives the same'),
    segments: z
      .array(
        z.strictObject({
          from: Moment,
          to: Moment,
          state: z.enum(['running', 'paused', 'closed']),
          causes: z.array(z.string()),
          calendar: z.string(),
          calendarRevision: z.int(),
          openS: z.int(),
          wallS: z.int(),
          consumedAfterS: z.int(),
        }),
      )
      .describe('gapless from the origin to the end, or to now'),
    changes: z
      .array(
        z.union([
          z.strictObject({ type: z.literal('retarget'), ...change, from: z.int(), to: z.int() }),
          z.strictObject({ type: z.literal('recalendar'), ...change, from: z.string(), to: z.string() }),
        ]),
      )
      .describe('other budgets, in seconds, and other calendars, as <id>.<revision>'),
    rungs: z.array(
      z.strictObject({
        rung: z.string(),
        dueAt: Moment,
        firedAt: Moment,
        lateMs: z.int(),
        outcome: z.enum(['warned', 'notified', 'opened', 'already_at_level']),
        recipients: z.int().describe('messages that told of it'),
      }),
    ),
  })
  .meta({ id: 'ClockExplanation' });
export type ClockExplanation = z.output<typeof ClockExplanation>;
