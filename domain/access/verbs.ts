import type { Verb } from '../ticket/command.js';
import type { Permission } from './permit.js';

/** The permission each verb of a ticket needs. Source: api.md, section 5. */
export const permissionOf: Readonly<Record<Verb, Permission>> = {
  open: 'ticket.create',
  reply: 'message.reply',
  receive: 'message.reply',
  note: 'note.add',
  edit: 'ticket.edit',
  assign: 'ticket.assign',
  claim: 'ticket.assign',
  unassign: 'ticket.assign',
  priority: 'ticket.edit',
  start: 'ticket.wait',
  awaitCustomer: 'ticket.wait',
  hold: 'ticket.wait',
  resolve: 'ticket.resolve',
  reopen: 'ticket.reopen',
  close: 'ticket.close',
  remove: 'ticket.remove',
  restore: 'ticket.remove',
  escalate: 'ticket.escalate',
  acknowledgeEscalation: 'escalation.handle',
  resolveEscalation: 'escalation.handle',
  sendBackEscalation: 'ticket.escalate',
  withdrawEscalation: 'ticket.escalate',
  closeEscalation: 'ticket.escalate',
  pauseClocks: 'sla.pause',
  resumeClocks: 'sla.pause',
  overrideTarget: 'sla.override',
  waive: 'sla.waive',
  replan: 'admin.manage',
};
