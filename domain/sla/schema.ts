/**
 * Wire shapes of calendars and policies. They say what has the right form; whether it can work, `calendarProblems` and `policyProblems` say.
 * Source: sla.md, sections 4–6.
 */
import { z } from 'zod';
import { OneLine } from '../configuration/schema.js';
import { keyPattern, uuidPattern } from '../ids.js';
import { escalationTargets } from '../ticket/escalation.js';
import { priorities } from '../ticket/status.js';
import { weekdays } from './calendar.js';
import { clockKinds, matchFields, noticeChannels, pausePresets, pausingStatuses, reopenModes } from './policy.js';
import type { Policy } from './policy.js';

/** Id of a calendar or a policy. */
export const ConfigKey = z
  .string()
  .regex(keyPattern, 'must be up to 63 lower-case letters, digits, _ and -, beginning with a letter or digit');

/** Text that a rule looks at later, and that may be wrong until then. */
const short = z.string().max(64);
const Intervals = z
  .array(z.tuple([short, short]))
  .max(24)
  .describe('HH:MM of opening and closing; 24:00 only as closing, a closing before its opening is on the next day');

/** Five years of days. */
const mostOverrides = 5 * 366;

/** What a revision of a calendar says. */
export const CalendarBody = z
  .strictObject({
    zone: short.describe('IANA time zone'),
    weekly: z.partialRecord(z.enum(weekdays), Intervals).describe('a missing day is closed'),
    overrides: z
      .record(short, Intervals)
      .refine((days) => Object.keys(days).length <= mostOverrides, `must have at most ${mostOverrides} dates`)
      .default({})
      .describe('by date, YYYY-MM-DD; replaces the intervals that start on it, [] closes it'),
  })
  .meta({ id: 'SlaCalendarBody' });
export type CalendarBody = z.output<typeof CalendarBody>;

const Seconds = z.int().describe('whole seconds');
const Id = z.string().regex(uuidPattern, 'must be a lower-case UUID');

const Condition = z.strictObject({
  field: z.enum(matchFields),
  op: z.enum(['in', 'not_in', 'any', 'all', 'none']).describe('tags know any, all, none; the others in, not_in'),
  values: z.array(z.string().min(1).max(100)).max(50),
});

const CalendarChoice = z.union([
  z.strictObject({ use: z.literal('policy'), id: short }),
  z.strictObject({ use: z.literal('team'), fallback: short.describe('for tickets without a team, and teams without a calendar') }),
]);

const Pause = z.union([
  z.enum(pausePresets),
  z.partialRecord(z.enum(clockKinds), z.array(z.enum(pausingStatuses)).max(pausingStatuses.length)),
]);

const When = z.union([
  z.literal('at_breach'),
  z.strictObject({ percent: z.int() }),
  z.strictObject({ before: Seconds }),
  z.strictObject({ after: Seconds }),
]);

const Action = z.union([
  z.strictObject({ notify: z.strictObject({ to: z.array(short).max(20), channel: z.enum(noticeChannels) }) }),
  z.strictObject({ reassign: z.strictObject({ team: z.exactOptional(Id) }) }),
  z.strictObject({ raise_priority: z.strictObject({ to: z.enum(priorities), retarget: z.exactOptional(z.boolean()) }) }),
  z.strictObject({
    open_escalation: z.strictObject({
      to: z.strictObject({ kind: z.enum(escalationTargets), id: z.exactOptional(Id) }),
      ackWithin: Seconds,
    }),
  }),
]);

const RungBody = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, 'must be up to 63 letters, digits, _ and -, beginning with a letter or digit'),
  clock: z.enum(clockKinds),
  when: When,
  level: z.exactOptional(z.int()).describe('1–9'),
  priorities: z.exactOptional(z.array(z.enum(priorities)).max(priorities.length)),
  whilePaused: z.exactOptional(z.boolean()),
  actions: z.array(Action).max(10),
});

/** One policy; `parse` fills in what is left out. */
export const PolicyBody = z
  .strictObject({
    id: ConfigKey,
    name: OneLine(100),
    match: z.array(Condition).max(20).default([]).describe('all must hold; empty matches every ticket'),
    calendar: CalendarChoice,
    targets: z.partialRecord(z.enum(clockKinds), z.partialRecord(z.enum(priorities), Seconds)),
    pause: Pause.default('default'),
    pauseOnApproval: z.array(z.enum(clockKinds)).max(clockKinds.length).default([]).describe('clocks that pause while an approval is open'),
    reopen: z.enum(reopenModes).default('resume'),
    counts: z
      .strictObject({ bot: z.boolean().default(false), call: z.boolean().default(false), firstInNext: z.boolean().default(false) })
      .prefault({}),
    rungs: z.array(RungBody).max(30).default([]),
  })
  .meta({ id: 'SlaPolicy' });
export type PolicyBody = z.output<typeof PolicyBody>;

/** An ordered set of policies: the first whose conditions all hold wins. */
export const PolicySetBody = z.strictObject({ policies: z.array(PolicyBody).max(200) }).meta({ id: 'SlaPolicySetBody' });
export type PolicySetBody = z.output<typeof PolicySetBody>;

/** The ids in them are text of the right form by now: that is all an id's type says. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
export const policiesOf = ({ policies }: PolicySetBody): readonly Policy[] => policies as readonly Policy[];
