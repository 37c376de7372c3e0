/** The settings of a product: stored complete, published as numbered revisions. */
import { z } from 'zod';
import { uuidPattern } from '../ids.js';
import { mailTemplates } from '../messaging/plan.js';
import { priorities, ticketStatuses } from '../ticket/status.js';

/** A name on one line: no control characters, so that it fits a mail header. */
export const OneLine = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u, 'must not hold control characters');

/** A text of several lines; newline and tab are its only control characters. */
export const Lines = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}\p{Cs}]*(?:[\n\t][^\p{Cc}\p{Cs}]*)*$/u, 'must not hold control characters besides newline and tab');

/** A ticket category: what the workflow's validators accept. */
export const Category = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 _-]{0,63}$/, 'must be up to 64 letters, digits, spaces, _ and -, beginning with a letter or digit');

/** Liquid source of one mail; `html` absent: the mail is plain text. */
export const MailTemplateText = z.strictObject({
  subject: OneLine(300),
  text: Lines(20_000),
  html: z.exactOptional(Lines(50_000)),
});
export type MailTemplateText = z.output<typeof MailTemplateText>;

const Mail = z.strictObject({
  acknowledgement: z.boolean().default(true),
  reply: z.boolean().default(true),
  resolved: z.boolean().default(true),
});

const Templates = z.partialRecord(z.enum(mailTemplates), MailTemplateText);
const StatusLabels = z.partialRecord(z.enum(ticketStatuses), OneLine(60));

/** What a stranger's mail that quotes a known ticket becomes. */
const strangerPolicies = ['new_ticket', 'quarantine'] as const;

/** How one product's desk works; `parse` fills in what is left out. */
export const ProductSettings = z
  .strictObject({
    displayName: z.exactOptional(OneLine(100)),
    reopenWindowS: z.int().min(0).max(31_536_000).default(604_800).describe('how long a resolved ticket may be reopened, in seconds'),
    mail: Mail.prefault({}),
    fromName: OneLine(100).describe('sender name of outbound mail'),
    defaultPriority: z.enum(priorities).default('medium'),
    defaultTeam: z.string().regex(uuidPattern, 'must be a lower-case UUID').nullable().default(null).describe('team of new tickets'),
    categories: z.array(Category).max(200).default([]).describe('when empty, any category is accepted'),
    strangerPolicy: z.enum(strangerPolicies).default('new_ticket'),
    supportJourney: z.boolean().default(false).describe('whether a new ticket starts the journey `support_resolution`'),
    templates: Templates.default({}),
    statusLabels: StatusLabels.default({}).describe('display names of statuses'),
  })
  .meta({ id: 'ProductSettings' });
export type ProductSettings = z.output<typeof ProductSettings>;
