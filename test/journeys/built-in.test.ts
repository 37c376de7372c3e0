/** The templates that come with the product, against the page: no fault, and the steps, ways and times of journeys.md, section 4. */
import { describe, expect, test } from 'vitest';
import { actionRegistry, builtInActions, handoffAction } from '../../domain/journey/action.js';
import { compile, compiledBytes } from '../../domain/journey/compile.js';
import { createGuards } from '../../domain/journey/guard.js';
import { templateShape } from '../../domain/journey/schema.js';
import type { Step } from '../../domain/journey/step.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { validate } from '../../domain/journey/validate.js';
import { day, hour } from '../../domain/time.js';
import { builtInJourneys } from '../../journeys/index.js';
import { seedUpsell } from './seed-upsell.js';

const surroundings = {
  shape: templateShape,
  guards: createGuards(),
  actions: actionRegistry(builtInActions),
  isZone: (zone: string) => zone === 'UTC',
  calendars: new Set<string>(),
  roles: new Set(['admin', 'lead', 'agent', 'sales', 'crm', 'field-ops', 'team_lead']),
};

const named = (key: string): JourneyTemplate => {
  const found = builtInJourneys.find((template) => template.key === key);
  if (found === undefined) throw new Error(`no built-in template ${key}`);
  return found;
};

test('there are five, each under its own key', () => {
  expect(builtInJourneys.map(({ key }) => key)).toEqual([
    'customer_acquisition',
    'support_resolution',
    'customer_onboarding',
    'custom_upsell',
    'ticket_approval',
  ]);
});

describe.each(builtInJourneys.map((template) => [template.key, template] as const))('%s', (_, template) => {
  test('has neither errors nor warnings', () => {
    expect(validate(template, surroundings)).toEqual({ isValid: true, errors: [], warnings: [], template });
  });

  test('compiles within the limit, without words for readers', () => {
    const text = JSON.stringify(compile(template));
    expect(compiledBytes(template)).toBe(Buffer.byteLength(text));
    expect(compiledBytes(template)).toBeLessThan(8 * 1024);
    expect(text).not.toContain(template.name);
  });

  test('every automatic handoff has a receiver that is registered', () => {
    const receivers = Object.values(template.steps).flatMap((step) => (step.kind === 'handoff' ? [handoffAction(step.to)] : []));
    expect(receivers.filter((receiver) => !surroundings.actions.has(receiver))).toEqual([]);
  });
});

/** Where each step leads, by outcome or guard, and how long it is planned. */
type Way = readonly [id: string, kind: Step['kind'], minutes: Step['estimatedDuration'], ways: readonly string[]];
const waysOf = ({ steps }: JourneyTemplate): Way[] =>
  Object.entries(steps).map(([id, { kind, estimatedDuration, transitions = [] }]) => [
    id,
    kind,
    estimatedDuration,
    transitions.map(({ to, outcome, when }) =>
      [outcome, typeof when === 'string' ? when : undefined, to].filter((part) => part !== undefined).join(' → '),
    ),
  ]);

// Typed out from the page.
test('customer_acquisition goes its five steps', () => {
  const template = named('customer_acquisition');
  expect(waysOf(template)).toEqual([
    ['lead_qualification', 'automated', 5, ['context.score >= 50 → customer_conversion', 'end_disqualified']],
    ['customer_conversion', 'manual', 30, ['converted → service_selection', 'declined → end_declined']],
    ['service_selection', 'manual', 20, ['selected → service_activation', 'withdrawn → end_declined']],
    ['service_activation', 'handoff', 30, ['service_activation_complete → schedule_installation', 'rejected → service_selection']],
    ['schedule_installation', 'handoff', 15, ['completed → end_active']],
    ['end_active', 'end', undefined, []],
    ['end_disqualified', 'end', undefined, []],
    ['end_declined', 'end', undefined, []],
  ]);
  expect(template.stages?.map(({ id }) => id)).toEqual(['prospect', 'lead', 'qualified', 'customer', 'active_service']);
  const { service_activation: activation, schedule_installation: scheduling } = compile(template).steps;
  expect(activation).toMatchObject({
    from: 'crm',
    to: 'business-logic',
    mode: 'approve',
    requiredData: ['customerId', 'serviceType'],
    completeWithin: 5 * day,
    onReturn: 'service_selection',
    approval: {
      approvers: { roles: ['admin'] },
      quorum: 'any',
      within: 8 * hour,
      escalation: [{ after: 4 * hour, action: 'add', to: { roles: ['team_lead'] } }],
      onTimeout: 'incident',
    },
  });
  expect(scheduling).toMatchObject({
    from: 'business-logic',
    to: 'field-ops',
    mode: 'automatic',
    requiredData: ['customerId', 'serviceId', 'installationType'],
    completeWithin: 3 * day,
    onTimeout: 'incident',
  });
});

test('support_resolution watches the ticket and asks the customer', () => {
  const template = named('support_resolution');
  expect(waysOf(template)).toEqual([
    ['ticket_triage', 'automated', 5, ['agent_assignment']],
    ['agent_assignment', 'automated', 5, ['issue_diagnosis']],
    ['issue_diagnosis', 'manual', 30, ['diagnosed → resolution_action', 'resolved → customer_verification']],
    ['resolution_action', 'manual', 60, ['resolved → customer_verification', 'field_work_needed → field_work']],
    ['field_work', 'handoff', undefined, ['completed → resolution_action']],
    ['customer_verification', 'wait', 1440, ['confirmed → end_resolved', 'not_resolved → issue_diagnosis']],
    ['end_resolved', 'end', undefined, []],
  ]);
  expect(template.triggers?.map(({ type, dedupeKey }) => [type, dedupeKey])).toEqual([
    ['ticket.created', 'ticketId'],
    ['support:ticket_created', 'ticketId'],
  ]);
  expect(template.exits?.map(({ id, on, result }) => [id, on, result])).toEqual([['closed', 'ticket.closed', 'lost']]);
  expect(compile(template).steps['field_work']).toMatchObject({
    acceptWithin: 4 * hour,
    completeWithin: 3 * day,
    onReturn: 'resolution_action',
  });
});

test('customer_onboarding goes back to provisioning until the service works, five times at most', () => {
  const template = named('customer_onboarding');
  expect(waysOf(template)).toEqual([
    ['welcome_communication', 'touchpoint', 1, ['billing_setup']],
    ['billing_setup', 'handoff', 15, ['accepted → equipment_provisioning']],
    ['equipment_provisioning', 'handoff', 120, ['provisioned → service_testing']],
    ['provisioning_fix', 'manual', undefined, ['fixed → equipment_provisioning']],
    ['service_testing', 'automated', 30, ['steps.service_testing.output.passed → onboarding_complete', 'equipment_provisioning']],
    ['onboarding_complete', 'end', undefined, []],
  ]);
  expect(template.limits).toEqual({ maxVisitsPerStep: 5 });
  expect(template.entry?.reentry).toBe('after:P90D');
  expect(template.triggers?.map(({ type }) => type)).toEqual(['crm:lead_converted', 'crm:customer_created', 'service:activated']);
});

test('custom_upsell in full calls again after a week', () => {
  const template = named('custom_upsell');
  expect(waysOf(template)).toEqual([
    ['analyze_usage', 'automated', 30, ['generate_recommendation']],
    ['generate_recommendation', 'automated', 15, ['contact_customer']],
    ['contact_customer', 'manual', 45, ['accepted → end_accepted', 'declined → end_declined', 'call_later → call_again']],
    ['call_again', 'wait', undefined, ['contact_customer']],
    ['end_accepted', 'end', undefined, []],
    ['end_declined', 'end', undefined, []],
  ]);
  const { triggers = [], steps } = compile(template);
  expect(triggers.map(({ kind, type, when, cooldown }) => [kind, type, when, cooldown])).toEqual([
    ['condition', undefined, 'subject.monthlyUsage > 80.0', 30 * day],
    ['event', 'service:usage_spike', 'event.data.usagePercentage > 80.0', undefined],
  ]);
  expect(steps['call_again']).toMatchObject({ for: 7 * day });
});

test('custom_upsell as it was first written is still taken, with the four warnings of the page', () => {
  const { isValid, errors, warnings, template } = validate(seedUpsell, surroundings);
  expect({ isValid, errors }).toEqual({ isValid: true, errors: [] });
  expect(warnings.map(({ code }) => code)).toEqual(['J038', 'J038', 'J039', 'J062']);
  if (template === null) throw new Error('no template');
  const { start, steps, triggers } = compile(template);
  const chain = [start];
  for (let next = steps[start]?.transitions?.[0]?.to; next !== undefined; next = steps[next]?.transitions?.[0]?.to) chain.push(next);
  expect(chain).toEqual(['analyze_usage', 'generate_recommendation', 'contact_customer', 'end']);
  expect(triggers?.[0]?.when).toBe('subject.monthlyUsage > 80.0');
});

test('ticket_approval is one vote of the people it is started with', () => {
  const template = named('ticket_approval');
  expect(waysOf(template).slice(0, 1)).toEqual([
    ['approval', 'approval', undefined, ['approved → end_approved', 'rejected → end_rejected']],
  ]);
  const { entry, steps } = compile(template);
  expect(entry).toEqual({ concurrency: 'unlimited' });
  expect(steps['approval']).toMatchObject({ approvers: { expr: 'input.approvers' }, onTimeout: 'incident' });
});

test('all but the approval take one instance a subject and hand a second start on to it', () => {
  for (const { key, entry } of builtInJourneys) {
    if (key !== 'ticket_approval') expect(entry).toMatchObject({ concurrency: 'one_per_subject', onDuplicate: 'signal' });
  }
});

test('side steps weigh nothing', () => {
  const light = builtInJourneys.flatMap(({ steps }) =>
    Object.entries(steps).flatMap(([id, { progressWeight }]) => (progressWeight === 0 ? [id] : [])),
  );
  expect(light).toEqual(['field_work', 'provisioning_fix', 'call_again']);
});
