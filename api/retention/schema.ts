import { z } from 'zod';
import { retentionLimits, usualRetention } from '../../domain/privacy/retention.js';
import type { Retention } from '../../domain/privacy/retention.js';
import { Moment, PageQuery, pageSchema } from '../contract.js';

const days = (name: keyof Retention) => z.int().min(retentionLimits[name].least).max(retentionLimits[name].most);

export const RetentionView = z
  .strictObject({
    rawMailDays: days('rawMailDays').default(usualRetention.rawMailDays).describe('mails as they came; what was read from them stays'),
    closedTicketDays: days('closedTicketDays')
      .nullable()
      .default(usualRetention.closedTicketDays)
      .describe('texts and attachments of a ticket, counted from its end; null: for ever'),
    journeyEntryDays: days('journeyEntryDays')
      .default(usualRetention.journeyEntryDays)
      .describe('who entered which journey, and who was refused'),
    webhookDays: days('webhookDays')
      .default(usualRetention.webhookDays)
      .describe('what was sent to webhook endpoints, with its attempts, counted from its end; so long it can be sent again'),
    auditDays: days('auditDays').default(usualRetention.auditDays).describe('lines of the audit'),
  })
  .meta({ id: 'Retention' });
export type RetentionView = z.output<typeof RetentionView>;

export const SweepQuery = z.strictObject(PageQuery);
export type SweepQuery = z.output<typeof SweepQuery>;

export const SweepView = z
  .strictObject({
    day: z.iso.date().describe('in UTC'),
    startedAt: Moment,
    endedAt: Moment.nullable(),
    counts: z.record(z.string(), z.int()).describe('rows by table whose time was over, and `files`'),
  })
  .meta({ id: 'RetentionSweep' });
export type SweepView = z.output<typeof SweepView>;
export const SweepPage = pageSchema('RetentionSweepPage', SweepView);
