/** A ticket from its triage to the customer's word that it is solved. It watches the ticket and never holds it up. Source: journeys.md, section 4. */
import { defineJourney } from '../domain/journey/author.js';

/** The ticket's assignee, else its team; who the journey itself was told of where the ticket is another system's. */
const staff = {
  expr: 'has(subject.assignee) ? [subject.assignee] : has(subject.teamMembers) ? subject.teamMembers : has(context.assignedAgent) ? [context.assignedAgent] : []',
} as const;

const ofThisTicket = { 'event.ticketId': 'input.ticketId' } as const;

export const supportResolution = defineJourney({
  schemaVersion: 1,
  key: 'support_resolution',
  name: 'Support resolution',
  description: 'Triages and assigns a ticket, follows its diagnosis and resolution, and asks the customer.',
  category: 'support',
  subject: { type: 'ticket', id: 'input.ticketId' },
  input: {
    type: 'object',
    properties: {
      ticketId: { type: 'string' },
      customerId: { type: 'string' },
      priority: { type: 'string' },
      category: { type: 'string' },
      issue: { type: 'string' },
      assignedAgent: { type: 'string' },
    },
    required: ['ticketId'],
  },
  context: {
    ticketId: { schema: { type: 'string' } },
    customerId: { schema: { type: 'string' } },
    priority: { schema: { type: 'string' } },
    category: { schema: { type: 'string' } },
    issue: { schema: { type: 'string' }, pii: true },
    assignedAgent: { schema: { type: 'string' } },
  },
  stages: [{ id: 'active_service', name: 'Active service', order: 1 }],
  triggers: [
    {
      id: 'ticket_created',
      name: 'A ticket of ours was opened',
      kind: 'event',
      type: 'ticket.created',
      map: {
        ticketId: 'event.ticketId',
        customerId: 'event.customerId',
        priority: 'event.data.priority',
        category: 'event.data.category',
      },
      dedupeKey: 'ticketId',
    },
    {
      id: 'support_ticket_created',
      name: 'The support system has a new ticket',
      kind: 'event',
      type: 'support:ticket_created',
      map: {
        ticketId: 'event.data.ticketId',
        customerId: 'event.customerId',
        priority: 'event.data.priority',
        category: 'event.data.category',
        assignedAgent: 'event.data.assignedTo',
      },
      dedupeKey: 'ticketId',
    },
  ],
  entry: { concurrency: 'one_per_subject', onDuplicate: 'signal' },
  exits: [{ id: 'closed', on: 'ticket.closed', match: ofThisTicket, outcome: 'closed', result: 'lost' }],
  limits: { maxVisitsPerStep: 20 },
  start: 'ticket_triage',
  steps: {
    ticket_triage: {
      kind: 'automated',
      name: 'Ticket triage',
      stage: 'active_service',
      estimatedDuration: 5,
      action: 'ticket.triage@1',
      input: { ticketId: 'input.ticketId', category: 'input.category', priority: 'input.priority' },
      output: { category: 'steps.ticket_triage.output.category', priority: 'steps.ticket_triage.output.priority' },
      transitions: [{ to: 'agent_assignment' }],
    },
    agent_assignment: {
      kind: 'automated',
      name: 'Agent assignment',
      stage: 'active_service',
      estimatedDuration: 5,
      when: '!has(input.assignedAgent)',
      action: 'ticket.assign@1',
      input: { ticketId: 'input.ticketId' },
      output: { assignedAgent: 'steps.agent_assignment.output.agent' },
      transitions: [{ to: 'issue_diagnosis' }],
    },
    issue_diagnosis: {
      kind: 'manual',
      name: 'Issue diagnosis',
      stage: 'active_service',
      estimatedDuration: 30,
      assign: staff,
      outcomes: ['diagnosed', 'resolved'],
      completeOn: [{ type: 'ticket.resolved', match: ofThisTicket, outcome: 'resolved' }],
      transitions: [
        { to: 'resolution_action', outcome: 'diagnosed' },
        { to: 'customer_verification', outcome: 'resolved' },
      ],
    },
    resolution_action: {
      kind: 'manual',
      name: 'Resolution action',
      stage: 'active_service',
      estimatedDuration: 60,
      assign: staff,
      outcomes: ['resolved', 'field_work_needed'],
      completeOn: [{ type: 'ticket.resolved', match: ofThisTicket, outcome: 'resolved' }],
      transitions: [
        { to: 'customer_verification', outcome: 'resolved' },
        { to: 'field_work', outcome: 'field_work_needed' },
      ],
    },
    field_work: {
      kind: 'handoff',
      name: 'Field work',
      stage: 'active_service',
      progressWeight: 0,
      from: 'support-system',
      to: 'field-ops',
      mode: 'accept',
      assign: { roles: ['field-ops'] },
      requiredData: ['customerId', 'ticketId'],
      acceptWithin: 'PT4H',
      completeWithin: 'P3D',
      onTimeout: 'incident',
      onReturn: 'resolution_action',
      transitions: [{ to: 'resolution_action', outcome: 'completed' }],
    },
    customer_verification: {
      kind: 'wait',
      name: 'Customer verification',
      stage: 'active_service',
      estimatedDuration: 1440,
      event: [
        { type: 'ticket.closed', match: ofThisTicket, outcome: 'confirmed' },
        { type: 'ticket.reopened', match: ofThisTicket, outcome: 'not_resolved' },
      ],
      max: 'P14D',
      onMax: 'confirmed',
      transitions: [
        { to: 'end_resolved', outcome: 'confirmed' },
        { to: 'issue_diagnosis', outcome: 'not_resolved' },
      ],
    },
    end_resolved: { kind: 'end', name: 'Resolved', stage: 'active_service', outcome: 'resolved', result: 'won' },
  },
});
