/** Events that tell of changed attributes of a subject: what reads `subject.*` and waits looks again. Source: journeys.md, section 2. */
import type { SubjectType } from '../template.js';

/** The type of the events of our own that tell of attributes somebody noted. */
export const subjectChanged = 'usher.subject_changed';

/** Those of the log after which a ticket may read otherwise. */
const ticketChanged = [
  'ticket.updated',
  'ticket.assigned',
  'ticket.status_changed',
  'ticket.resolved',
  'ticket.reopened',
  'ticket.closed',
  'sla.breached',
] as const;

/** After which events a subject of this type may read otherwise. */
export const changesOf = (type: SubjectType): readonly string[] =>
  type === 'ticket' ? [subjectChanged, ...ticketChanged] : [subjectChanged];

/** Whether an expression may read attributes of the subject; one that only compares its id looks once too often. */
export const readsSubject = (expression: string | undefined): expression is string => /\bsubject\b/.test(expression ?? '');
