/** A question about a ticket, put to the people its asker names. Source: journeys.md, section 4; service-desk.md, section 9. */
import { defineJourney } from '../domain/journey/author.js';

export const ticketApproval = defineJourney({
  schemaVersion: 1,
  key: 'ticket_approval',
  name: 'Ticket approval',
  description: 'One vote of the people named at the start: the first yes approves, and it is rejected when all have said no.',
  category: 'support',
  subject: { type: 'ticket', id: 'input.ticketId' },
  input: {
    type: 'object',
    properties: {
      ticketId: { type: 'string' },
      approvers: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 100 },
    },
    required: ['ticketId', 'approvers'],
  },
  triggers: [{ id: 'asked', name: 'Somebody asked', kind: 'manual' }],
  entry: { concurrency: 'unlimited' },
  start: 'approval',
  steps: {
    approval: {
      kind: 'approval',
      name: 'Approval',
      approvers: { expr: 'input.approvers' },
      quorum: 'any',
      within: 'P3D',
      escalation: [{ after: 'P1D', action: 'remind' }],
      onTimeout: 'incident',
      transitions: [
        { to: 'end_approved', outcome: 'approved' },
        { to: 'end_rejected', outcome: 'rejected' },
      ],
    },
    end_approved: { kind: 'end', name: 'Approved', outcome: 'approved', result: 'won' },
    end_rejected: { kind: 'end', name: 'Rejected', outcome: 'rejected', result: 'lost' },
  },
});
