export { ticketWorkflow } from './ticket/ticket.workflow.js';
