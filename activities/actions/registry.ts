/** Which action of the declarations is done by what, and with which port. */
import { actionName, builtInActions, handoffAction } from '../../domain/journey/action.js';
import { acceptHandoff } from './accept-handoff.js';
import type { Action, RegisteredAction } from './action.js';
import { analyzeUsage } from './analyze-usage.js';
import { assignTicket } from './assign-ticket.js';
import { charge } from './charge.js';
import type { ActionPorts } from './ports.js';
import { qualifyLead } from './qualify-lead.js';
import { recommendPlan } from './recommend-plan.js';
import { refund } from './refund.js';
import { testService } from './test-service.js';
import { triageTicket } from './triage-ticket.js';

const withPort =
  <Port>(action: Action<Port>, port: Port): RegisteredAction['run'] =>
  (input, context) =>
    action(input, { ...context, port });

/**
 * The built-in actions by the name templates call them by.
 *
 * @throws Error naming a declared action that nobody does
 */
export function createActions(ports: ActionPorts): ReadonlyMap<string, RegisteredAction> {
  const { crm, billing, businessLogic, fieldOperations, support, tickets } = ports;
  const runs: Readonly<Record<string, RegisteredAction['run']>> = {
    'crm.qualify_lead@1': withPort(qualifyLead, crm),
    'crm.recommend_plan@1': withPort(recommendPlan, crm),
    'service.analyze_usage@1': withPort(analyzeUsage, businessLogic),
    'service.test@1': withPort(testService, businessLogic),
    'ticket.triage@1': withPort(triageTicket, tickets),
    'ticket.assign@1': withPort(assignTicket, tickets),
    'billing.charge@1': withPort(charge, billing),
    'billing.refund@1': withPort(refund, billing),
    [handoffAction('crm')]: withPort(acceptHandoff, crm),
    [handoffAction('business-logic')]: withPort(acceptHandoff, businessLogic),
    [handoffAction('field-ops')]: withPort(acceptHandoff, fieldOperations),
    [handoffAction('support-system')]: withPort(acceptHandoff, support),
    [handoffAction('billing-system')]: withPort(acceptHandoff, billing),
  };
  return new Map(
    builtInActions.map((declaration) => {
      const name = actionName(declaration);
      const run = runs[name];
      if (run === undefined) throw new Error(`nobody does the action ${name}`);
      return [name, { declaration, run }] as const;
    }),
  );
}
