export { bulkWorkflow } from './bulk/bulk.workflow.js';
export { erasureWorkflow } from './erasure/erasure.workflow.js';
export { handoffWorkflow } from './handoff/handoff.workflow.js';
export { journeyWorkflow } from './journey/journey.workflow.js';
export { journeyScheduleWorkflow } from './journey/schedule.workflow.js';
export { reprojectWorkflow } from './reproject/reproject.workflow.js';
export { ticketWorkflow } from './ticket/ticket.workflow.js';
export { webhookWorkflow } from './webhook/webhook.workflow.js';
