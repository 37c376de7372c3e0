export { reprojectWorkflow } from './reproject/reproject.workflow.js';
export { ticketWorkflow } from './ticket/ticket.workflow.js';
