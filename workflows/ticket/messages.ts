/** What can be said to a ticket's workflow. The wire format: fields are only added, never renamed. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { CommandFields, Envelope, Verb } from '../../domain/ticket/command.js';
import type { Ticket } from '../../domain/ticket/ticket.js';

/** One JSON object per verb. `commandId` absent: the Update's own id; `role` and `source` absent: an operator in the Web UI. */
export type CommandArgs<Kind extends Verb> = CommandFields[Kind] & Partial<Omit<Envelope, 'actor'>> & Pick<Envelope, 'actor'>;

export interface TicketAnswer {
  /** Version after the command. */
  readonly version: number;
  readonly ticket: Ticket;
  /** Whether PostgreSQL has it already. */
  readonly projected: boolean;
  /** The version PostgreSQL has; the clocks may have added theirs. */
  readonly stored?: number;
}

const update = <Kind extends Verb>(kind: Kind) => defineUpdate<TicketAnswer, [CommandArgs<Kind>]>(kind);

/** One Update per verb. */
export const updates = {
  open: update('open'),
  reply: update('reply'),
  receive: update('receive'),
  note: update('note'),
  edit: update('edit'),
  assign: update('assign'),
  claim: update('claim'),
  unassign: update('unassign'),
  priority: update('priority'),
  start: update('start'),
  awaitCustomer: update('awaitCustomer'),
  hold: update('hold'),
  resolve: update('resolve'),
  reopen: update('reopen'),
  close: update('close'),
  remove: update('remove'),
  restore: update('restore'),
  escalate: update('escalate'),
  acknowledgeEscalation: update('acknowledgeEscalation'),
  resolveEscalation: update('resolveEscalation'),
  sendBackEscalation: update('sendBackEscalation'),
  withdrawEscalation: update('withdrawEscalation'),
  closeEscalation: update('closeEscalation'),
  pauseClocks: update('pauseClocks'),
  resumeClocks: update('resumeClocks'),
  overrideTarget: update('overrideTarget'),
  waive: update('waive'),
  replan: update('replan'),
} as const satisfies { readonly [Kind in Verb]: unknown };

const byHand = (fields: string): string => `Example: {"actor":"user/<your id>"${fields}}`;

/** What operators read beside the form in the Web UI; a verb that brings text needs its content row first. */
export const descriptions: { readonly [Kind in Verb]: string } = {
  open: 'Opens the ticket. Sent by the API together with the start; not meant for the form.',
  reply: `Public reply of the desk. The text must exist as a content row. ${byHand(',"content":"<content id>","then":"resolved"')}`,
  receive: `A message of the customer. ${byHand(',"content":"<content id>","author":"<customer id>"')}`,
  note: `Internal note; the customer never sees it. ${byHand(',"content":"<content id>"')}`,
  edit: `Changes several fields at once, all or nothing. ${byHand(',"priority":"high","status":"on_hold"')}`,
  assign: `Gives the ticket to an agent or a team. ${byHand(',"agent":"<agent id>"')}`,
  claim: `Assigns to an agent, only if nobody has it. ${byHand(',"agent":"<agent id>"')}`,
  unassign: `Takes the assignee away. ${byHand('')}`,
  priority: `Changes the priority: low, medium, high, urgent. ${byHand(',"priority":"urgent"')}`,
  start: `Moves to in_progress. ${byHand('')}`,
  awaitCustomer: `Moves to waiting_on_customer; until (epoch ms) ends it by itself. ${byHand('')}`,
  hold: `Moves to on_hold; until (epoch ms) ends it by itself. ${byHand('')}`,
  resolve: `Marks as resolved and starts the reopen window. ${byHand('')}`,
  reopen: `Moves a resolved ticket back to in_progress. ${byHand('')}`,
  close: `Closes a resolved ticket before its window ends, or any ticket for the causes spam, merged, erased. ${byHand(',"cause":"spam"')}`,
  remove: `Soft delete, for closed tickets only: send DELETE to the API. ${byHand('')}`,
  restore: `Undoes remove: send restore to the API. ${byHand('')}`,
  escalate: `Asks somebody to step in: kind is lead, admin, specialist or team. ${byHand(',"to":{"kind":"lead"},"level":1')}`,
  acknowledgeEscalation: `Somebody is at it; its window stops. ${byHand(',"escalation":1,"agent":"<agent id>","takeOver":true')}`,
  resolveEscalation: `What came of it: fixed, advised, reassigned, declined. ${byHand(',"escalation":1,"outcome":"fixed","text":"<content id>"')}`,
  sendBackEscalation: `Not resolved after all. ${byHand(',"escalation":1,"reason":"<content id>"')}`,
  withdrawEscalation: `Takes a pending escalation back. ${byHand(',"escalation":1')}`,
  closeEscalation: `Agrees that a resolved escalation is done. ${byHand(',"escalation":1')}`,
  pauseClocks: `Stops every clock until they are resumed. ${byHand('')}`,
  resumeClocks: `Lets the clocks run again. ${byHand('')}`,
  overrideTarget: `Gives one clock another target, in seconds. ${byHand(',"clock":"resolution#1","budgetS":28800')}`,
  waive: `Marks a breach as excused; it stays in the record. ${byHand(',"clock":"resolution#1"')}`,
  replan: `Moves the ticket to a published revision of the policies. ${byHand(',"set":2')}`,
};

/** The ticket as its workflow knows it; for operators and debugging, never for lists. */
export const state = defineQuery<Ticket | null>('state');

/** A journey tells a ticket that somebody has to decide about it, or has. */
export interface ApprovalFact {
  /** A ticket of another tenant takes no notice. */
  readonly tenant: string;
  /** `<journey>.<step>.<visit>`. */
  readonly approval: string;
  readonly open: boolean;
}

export const approval = defineSignal<[ApprovalFact]>('approval');
export const approvalDescription = `Stops the clocks that wait for approvals, or lets them go on. Sent by journeys. Example: ${JSON.stringify(
  {
    tenant: '<tenant id>',
    approval: '<journey>.<step>.<visit>',
    open: false,
  },
)}`;

/** A notice of this ticket did not reach everybody it was for. */
export interface NoticeFact {
  /** A ticket of another tenant takes no notice. */
  readonly tenant: string;
  /** Names the notice within the ticket. */
  readonly message: string;
  readonly outcome: 'failed' | 'unknown';
}

export const noticeEnded = defineSignal<[NoticeFact]>('noticeEnded');
export const noticeEndedDescription = `Notes that a notice to staff did not arrive, or that nobody knows. Sent by the batch it went out in. Example: ${JSON.stringify(
  { tenant: '<tenant id>', message: 'notice/resolution#1/<rung>', outcome: 'failed' },
)}`;
