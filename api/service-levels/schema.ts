import { z } from 'zod';
import { CalendarBody, ConfigKey, PolicyBody, PolicySetBody } from '../../domain/sla/schema.js';
import { clockKinds, matchFields } from '../../domain/sla/policy.js';
import { channels, priorities } from '../../domain/ticket/status.js';
import { OneLine } from '../../domain/configuration/schema.js';
import { publishModes } from '../../db/queries/policy-sets.js';
import { Moment, PageQuery, pageSchema, storable, Uuid } from '../contract.js';

export { CalendarBody, PolicySetBody } from '../../domain/sla/schema.js';

/** An instant as it may be written; answers always have milliseconds. */
const At = z.iso.datetime().describe('ISO 8601 in UTC');
const Revision = z.coerce.number().int().min(1).max(2_147_483_647);
const Fault = z.strictObject({ pointer: z.string().describe('JSON pointer into the body'), code: z.string(), message: z.string() });

/** What a check found. */
export const Validation = z
  .strictObject({ isValid: z.boolean(), errors: z.array(Fault).describe('every fault, in the order of the body') })
  .meta({ id: 'SlaValidation' });
export type Validation = z.output<typeof Validation>;

// Calendars

export const CalendarParams = z.object({ calendarId: ConfigKey });
export const CalendarQuery = z.strictObject(PageQuery);
export type CalendarQuery = z.output<typeof CalendarQuery>;

export const CreateCalendar = CalendarBody.extend({ id: ConfigKey, name: OneLine(100) }).meta({ id: 'CreateSlaCalendar' });
export type CreateCalendar = z.output<typeof CreateCalendar>;

export const CalendarView = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    revision: z.int(),
    ...CalendarBody.shape,
    overrides: CalendarBody.shape.overrides.unwrap(),
    retiredAt: Moment.nullable().describe('from then on nothing new may use it'),
    createdAt: Moment.nullable().describe('null: built in'),
    publishedAt: Moment.nullable().describe('of this revision'),
  })
  .meta({ id: 'SlaCalendar' });
export type CalendarView = z.output<typeof CalendarView>;
export const CalendarPage = pageSchema('SlaCalendarPage', CalendarView);

export const WindowsQuery = z.strictObject({ from: At, until: At, revision: z.exactOptional(Revision) });
export type WindowsQuery = z.output<typeof WindowsQuery>;

export const WindowsView = z
  .strictObject({
    calendar: z.string(),
    revision: z.int(),
    from: Moment,
    until: Moment,
    windows: z.array(z.strictObject({ open: Moment, close: Moment })).describe('when time counts: the opening does, the close no longer'),
    zoneData: z.string().describe('version of the time-zone data'),
  })
  .meta({ id: 'SlaWindows' });
export type WindowsView = z.output<typeof WindowsView>;

export const CalendarPreview = z
  .strictObject({
    calendar: CalendarBody,
    samples: z
      .array(z.strictObject({ start: At, budgetS: z.int() }))
      .min(1)
      .max(50),
  })
  .meta({ id: 'SlaCalendarPreview' });
export type CalendarPreview = z.output<typeof CalendarPreview>;

const Due = {
  dueAt: Moment.nullable(),
  code: z.enum(['policy_invalid', 'sla_horizon_exceeded']).nullable().describe('why there is no such instant'),
};
export const CalendarPreviewView = z
  .strictObject({ samples: z.array(z.strictObject({ start: Moment, budgetS: z.int(), ...Due })) })
  .meta({ id: 'SlaCalendarPreviewResult' });
export type CalendarPreviewView = z.output<typeof CalendarPreviewView>;

export const ImportHolidays = z
  .strictObject({ ical: storable.min(1).max(200_000).describe('an iCalendar file (RFC 5545)') })
  .meta({ id: 'ImportSlaHolidays' });
export type ImportHolidays = z.output<typeof ImportHolidays>;

export const skipReasons = ['not_all_day', 'not_yearly', 'cancelled', 'too_many_days', 'unreadable'] as const;
export const HolidaysView = z
  .strictObject({
    overrides: CalendarBody.shape.overrides.unwrap().describe('each date closed, to be put into a calendar'),
    holidays: z.array(z.strictObject({ date: z.string(), name: z.string().nullable() })),
    skipped: z.array(z.strictObject({ name: z.string().nullable(), reason: z.enum(skipReasons) })).describe('events that close no date'),
  })
  .meta({ id: 'SlaHolidays' });
export type HolidaysView = z.output<typeof HolidaysView>;

// Policies

export const PolicySetParams = z.object({ revision: Revision });
export const PolicySetQuery = z.strictObject(PageQuery);
export type PolicySetQuery = z.output<typeof PolicySetQuery>;

export const PublishPolicySet = PolicySetBody.extend({
  mode: z
    .enum(publishModes)
    .default('new_tickets')
    .describe('`new_tickets`: open tickets keep what they have; `reproject`: a job moves them to the revision, after a preview'),
  previewToken: z.exactOptional(storable.min(1).max(200)).describe('of the preview of these policies; needed for `reproject`'),
}).meta({ id: 'PublishSlaPolicySet' });
export type PublishPolicySet = z.output<typeof PublishPolicySet>;

const published = {
  revision: z.int(),
  mode: z.enum(publishModes),
  createdAt: Moment,
  createdBy: z.string().describe('actor'),
};
export const PolicySetView = z
  .strictObject({ ...published, policies: z.array(PolicyBody).describe('the first whose conditions all hold wins') })
  .meta({ id: 'SlaPolicySet' });
export type PolicySetView = z.output<typeof PolicySetView>;

/** As it was published. */
export const PublishedPolicySet = PolicySetView.extend({
  job: z.exactOptional(z.string()).describe('with `reproject`: the job that brings it to open tickets'),
}).meta({ id: 'PublishedSlaPolicySet' });
export type PublishedPolicySet = z.output<typeof PublishedPolicySet>;

export const PolicySetSummary = z
  .strictObject({ ...published, policies: z.array(z.string()).describe('ids') })
  .meta({ id: 'SlaPolicySetSummary' });
export type PolicySetSummary = z.output<typeof PolicySetSummary>;
export const PolicySetPage = pageSchema('SlaPolicySetPage', PolicySetSummary);

export const ExplainMatch = z
  .strictObject({
    product: storable.min(1).max(64),
    priority: z.enum(priorities),
    category: z.exactOptional(storable.min(1).max(64)),
    channel: z.exactOptional(z.enum(channels)),
    customerTier: z.exactOptional(ConfigKey),
    tags: z.exactOptional(z.array(storable.min(1).max(50)).max(20)),
    team: z.exactOptional(Uuid),
    at: z.exactOptional(At).describe('when the clocks start; now when left out'),
  })
  .meta({ id: 'ExplainSla' });
export type ExplainMatch = z.output<typeof ExplainMatch>;

const Condition = z.strictObject({ field: z.enum(matchFields), op: z.string(), values: z.array(z.string()) });

export const ExplainView = z
  .strictObject({
    set: z.int().describe('revision of the policies; 0: none yet'),
    policy: z.string().nullable().describe('the one that matches; null: no clocks'),
    calendar: z.strictObject({ id: z.string(), revision: z.int() }).nullable(),
    policies: z
      .array(
        z.strictObject({ policy: z.string(), matches: z.boolean(), failed: z.array(Condition).describe('conditions that do not hold') }),
      )
      .describe('every policy in order; the first that matches wins'),
    clocks: z.array(
      z.strictObject({
        kind: z.enum(clockKinds),
        startAt: Moment,
        budgetS: z.int(),
        ...Due,
        walk: z
          .array(z.strictObject({ from: Moment, until: Moment, openS: z.int(), leftS: z.int() }))
          .describe('the open time that is used up, and what is left of the budget after it; the first 100 stretches'),
      }),
    ),
  })
  .meta({ id: 'SlaExplanation' });
export type ExplainView = z.output<typeof ExplainView>;

// Settings

export const SlaSettings = z
  .strictObject({ fallbackRecipient: Uuid.nullable().describe('the user who is told when nobody else can be') })
  .meta({ id: 'SlaSettings' });
export type SlaSettings = z.output<typeof SlaSettings>;
