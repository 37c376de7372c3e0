/** Lives journeys and handoffs can have, run on a real server, replayed at once and kept: of the built-in templates, and what can happen to any. */
import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Activities } from '../../activities/contract.js';
import { createJourneyProjection } from '../../activities/journey-projection.js';
import { noteSubject } from '../../db/queries/journey-subject.js';
import { demo } from '../../db/seed.js';
import type { ActionRequest, ActionResult } from '../../domain/journey/action.js';
import type { JsonObject } from '../../domain/journey/json.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { customUpsell } from '../../journeys/custom-upsell.js';
import { customerAcquisition } from '../../journeys/customer-acquisition.js';
import { customerOnboarding } from '../../journeys/customer-onboarding.js';
import { supportResolution } from '../../journeys/support-resolution.js';
import { ticketApproval } from '../../journeys/ticket-approval.js';
import type { TestDatabase } from '../support/db.js';
import { freshDatabase } from '../support/db.js';
import { devEnvironment } from '../support/dev-env.js';
import { keepHistory } from '../support/histories.js';
import { codeOf, JourneyDesk } from '../support/journey-run.js';
import type { Begin, HandoffRun, JourneyRun, Published } from '../support/journey-run.js';
import { approvedHandoff, automaticHandoff, block, child, everyKind, fragile, late } from '../support/life-templates.js';

let env: TestWorkflowEnvironment;
let database: TestDatabase;
let desk: JourneyDesk;
/** PostgreSQL takes nothing. */
let isAway = false;
/** What actions answer instead. */
let act: ((request: ActionRequest) => ActionResult) | undefined;

const usual: Readonly<Record<string, JsonObject>> = {
  'crm.qualify_lead@1': { score: 85, qualified: true },
  'crm.recommend_plan@1': { plan: 'fiber-500' },
  'service.analyze_usage@1': { usagePercentage: 91 },
  'service.test@1': { passed: true },
  'ticket.triage@1': { category: 'Billing', priority: 'medium' },
  'ticket.assign@1': { assigned: false },
};

beforeAll(async () => {
  env = await devEnvironment();
  database = await freshDatabase();
  const { projectJourney } = createJourneyProjection({ db: database.db, newId: randomUUID, onRepaired: () => undefined });
  const guarded: Activities['projectJourney'] = (records) => (isAway ? Promise.reject(away()) : projectJourney(records));
  desk = await JourneyDesk.open({
    client: env.client,
    connection: env.nativeConnection,
    namespace: 'usher',
    database,
    act: (request) => Promise.resolve(act?.(request) ?? { state: 'done', output: usual[request.effect] ?? { accepted: true } }),
    activities: { projectJourney: guarded },
  });
});

afterEach(() => {
  isAway = false;
  act = undefined;
});

afterAll(async () => {
  await desk.rest();
  await database[Symbol.asyncDispose]();
  await env.teardown();
});

/** The history is kept, so it names no file. */
function away(): ApplicationFailure {
  const failure = ApplicationFailure.retryable('away', 'projection.retry');
  failure.stack = '';
  return failure;
}

/** A busy machine takes its time. */
const until = <T>(look: () => T) => expect.poll(look, { timeout: 120_000 });

const published = new Map<string, Promise<Published>>();
const start = async (template: JourneyTemplate, begin: Begin): Promise<JourneyRun> => {
  const found = published.get(template.key) ?? desk.publish(template);
  published.set(template.key, found);
  return desk.start(await found, begin);
};

const steps = (journey: JourneyRun) => until(async () => (await journey.row()).openSteps);
const stands = (journey: JourneyRun, step: string, visit = 1) => until(async () => (await journey.handoff(step, visit).row())?.state);
/** The newest event of a handoff. */
const newest = ({ id }: HandoffRun) =>
  until(async () => {
    const log = desk.inTenant((tx) =>
      tx.selectFrom('event').select('type').where('subject', '=', `handoff/${id}`).orderBy('seq').execute(),
    );
    return (await log).at(-1)?.type;
  });
const ended = async (journey: JourneyRun): Promise<JourneyRun> => {
  await journey.handle.result();
  return journey;
};
const reasonFor = (journey: JourneyRun): Promise<{ reason: string }> => journey.text('It is known.').then((reason) => ({ reason }));

const [ann, ben] = demo.agents;
const as = (person: string) => ({ actor: `user/${person}`, role: 'agent', roles: ['agent'] });
const lead = (id: string): Begin => ({ subject: { type: 'lead', id }, input: { leadId: id } });
const ofCustomer = (input: JsonObject = {}): Begin => ({ input: { customerId: demo.customers[0], ...input } });

/** Whatever the hour, it is noon where this customer is: no quiet hours hold a message. */
const byDay = (customer: string): Promise<void> =>
  desk.inTenant((tx) => {
    const ahead = 12 - new Date().getUTCHours();
    const zone = `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
    return noteSubject(tx, demo.tenant, { type: 'customer', id: customer }, { attributes: {}, zone }, Date.now());
  });

/** By release and name; each returns the journey that is kept, with the handoffs to be kept beside it: `<step>` or `<step>.<visit>`. */
const lives: Record<string, () => Promise<{ readonly journey: JourneyRun; readonly handoffs?: readonly string[] }>> = {
  async '0.3-customer_acquisition'() {
    const journey = await start(customerAcquisition, lead('lead-1'));
    await steps(journey).toEqual(['customer_conversion']);
    await journey.send('advance', { outcome: 'converted', output: { customerId: 'C-1' } });
    await journey.send('advance', { outcome: 'selected', output: { serviceType: 'fiber', installationType: 'indoor' } });
    await stands(journey, 'service_activation').toBe('awaiting_approval');
    await journey.handoff('service_activation').send('approve', {}, { roles: ['admin'] });
    await stands(journey, 'service_activation').toBe('accepted');
    await journey.hear('service:activated', { serviceId: 'S-1', installationType: 'indoor' }, { customerId: 'C-1' });
    await stands(journey, 'schedule_installation').toBe('accepted');
    await journey.hear('field-ops:installation_scheduled', {}, { customerId: 'C-1' });
    return { journey: await ended(journey), handoffs: ['service_activation', 'schedule_installation'] };
  },
  async '0.3-customer_acquisition-disqualified'() {
    act = () => ({ state: 'done', output: { score: 10 } });
    return { journey: await ended(await start(customerAcquisition, lead('lead-2'))) };
  },
  async '0.3-customer_onboarding'() {
    await byDay(demo.customers[0]);
    const journey = await start(customerOnboarding, ofCustomer({ serviceType: 'fiber' }));
    await stands(journey, 'equipment_provisioning').toBe('offered');
    await journey.handoff('equipment_provisioning').send('accept', {});
    await journey.handoff('equipment_provisioning').send('return', { reason: 'no_access' });
    await steps(journey).toEqual(['provisioning_fix']);
    await journey.send('advance', { outcome: 'fixed' });
    await stands(journey, 'equipment_provisioning', 2).toBe('offered');
    await journey.handoff('equipment_provisioning', 2).send('accept', {});
    await journey.handoff('equipment_provisioning', 2).send('complete', {});
    return { journey: await ended(journey), handoffs: ['billing_setup', 'equipment_provisioning.1', 'equipment_provisioning.2'] };
  },
  async '0.3-support_resolution'() {
    const ticketId = 'TKT-00000001';
    const journey = await start(supportResolution, { subject: { type: 'ticket', id: ticketId }, input: { ticketId, customerId: 'C-1' } });
    await steps(journey).toEqual(['issue_diagnosis']);
    await journey.send('advance', { outcome: 'diagnosed' });
    await journey.send('advance', { outcome: 'field_work_needed' });
    await stands(journey, 'field_work').toBe('offered');
    await journey.handoff('field_work').send('accept', {});
    await journey.handoff('field_work').send('complete', {});
    await steps(journey).toEqual(['resolution_action']);
    await journey.send('advance', { outcome: 'resolved' });
    await journey.send('cancel', {}, await reasonFor(journey));
    return { journey: await ended(journey), handoffs: ['field_work'] };
  },
  async '0.3-custom_upsell'() {
    const journey = await start(customUpsell, ofCustomer());
    await steps(journey).toEqual(['contact_customer']);
    await journey.send('advance', { outcome: 'call_later' });
    await journey.send('pause', { deadlines: 'shift' }, await reasonFor(journey));
    await journey.send('resume', {});
    await journey.send('cancel', {}, await reasonFor(journey));
    return { journey: await ended(journey) };
  },
  async '0.3-ticket_approval'() {
    const ticketId = 'TKT-00000002';
    const journey = await start(ticketApproval, {
      subject: { type: 'ticket', id: ticketId },
      input: { ticketId, approvers: [ann, ben] },
      requester: demo.lead,
    });
    await journey.send('vote', { step: 'approval', decision: 'approve' }, as(ann));
    return { journey: await ended(journey) };
  },
  async '0.3-block-everything-at-once'() {
    const journey = await start(block, ofCustomer());
    await journey.send('vote', { step: 'vote', decision: 'approve' }, as(ann));
    await journey.send('updateContext', { patch: { serviceType: 'fiber', score: 60 } });
    await stands(journey, 'install').toBe('offered');
    await until(async () => (await journey.approval('vote'))?.round).toBe(2);
    await journey.send('vote', { step: 'vote', decision: 'approve' }, as(ann));
    await journey.send('vote', { step: 'vote', decision: 'approve' }, as(ben));
    await journey.handoff('install').send('reject', { reason: 'no_capacity' });
    return { journey: await ended(journey), handoffs: ['install'] };
  },
  async '0.3-block-repaired'() {
    act = () => ({ state: 'failed', error: 'Unavailable', retryable: true });
    const journey = await start(block, ofCustomer());
    await until(async () => (await journey.visits())['act.1']?.incident).toBe('action_failed');
    act = undefined;
    await journey.send('retry', { step: 'act' });
    await until(async () => (await journey.visits())['act.1']?.state).toBe('completed');
    await journey.handle.cancel();
    return { journey: await ended(journey), handoffs: ['install'] };
  },
  async '0.3-block-continued-as-new'() {
    const journey = await start(block, { ...ofCustomer(), continueAfter: 6 });
    const first = (await journey.handle.describe()).runId;
    await journey.send('updateContext', { patch: { score: 1 } });
    await journey.send('vote', { step: 'vote', decision: 'approve' }, as(ann));
    await until(async () => (await journey.handle.describe()).runId).not.toBe(first);
    await journey.send('updateContext', { patch: { score: 2 } });
    await journey.send('cancel', {}, await reasonFor(journey));
    return { journey: await ended(journey) };
  },
  async '0.3-every-kind'() {
    await desk.publish(child);
    act = ({ item }) => (item === '1' ? { state: 'failed', error: 'Rejected', retryable: false } : { state: 'done', output: {} });
    const journey = await start(everyKind, ofCustomer({ orders: ['O-1', 'O-2', 'O-3'] }));
    await steps(journey).toEqual(['paid']);
    await journey.hear('billing-system:paid', { score: 60 });
    return { journey: await ended(journey) };
  },
  async '0.3-repaired-by-hand'() {
    act = ({ effect }) =>
      effect.includes('book') ? { state: 'done', output: {} } : { state: 'failed', error: 'Rejected', retryable: false };
    const journey = await start(fragile, ofCustomer());
    const parked = (step: string) => until(async () => (await journey.visits())[`${step}.1`]?.incident).toBe('action_failed');
    await parked('tell');
    await journey.send('skip', { step: 'tell' }, await reasonFor(journey));
    await parked('sign');
    await journey.send('completeWith', { step: 'sign', outcome: 'completed' }, await reasonFor(journey));
    await parked('send');
    await journey.send('goto', { step: 'send', to: 'ask' }, await reasonFor(journey));
    await steps(journey).toEqual(['ask']);
    await journey.send('compensateAndEnd', {}, await reasonFor(journey));
    return { journey: await ended(journey) };
  },
  async '0.3-automatic-handoff-failed-and-retried'() {
    act = () => ({ state: 'failed', error: 'Unavailable', retryable: true });
    const journey = await start(automaticHandoff, ofCustomer());
    await stands(journey, 'install').toBe('failed');
    act = undefined;
    await journey.handoff('install').send('retry', {});
    await stands(journey, 'install').toBe('accepted');
    await journey.handoff('install').send('complete', {});
    return { journey: await ended(journey), handoffs: ['install'] };
  },
  async '0.3-approved-handoff-continued-as-new'() {
    const journey = await start(approvedHandoff, { ...ofCustomer(), continueAfter: 3 });
    const handoff = journey.handoff('install');
    await stands(journey, 'install').toBe('awaiting_approval');
    for (const person of [ann, ben]) await handoff.send('approve', {}, as(person));
    await stands(journey, 'install').toBe('offered');
    for (const verb of ['accept', 'claim', 'unclaim', 'claim', 'complete'] as const) await handoff.send(verb, {});
    return { journey: await ended(journey), handoffs: ['install'] };
  },
  async '0.3-paused-with-a-handoff'() {
    const journey = await start(block, ofCustomer());
    await journey.send('updateContext', { patch: { serviceType: 'fiber' } });
    await stands(journey, 'install').toBe('offered');
    await journey.send('pause', { deadlines: 'keep', freezeTasks: true }, await reasonFor(journey));
    await newest(journey.handoff('install')).toBe('handoff.paused');
    await journey.send('resume', {});
    await newest(journey.handoff('install')).toBe('handoff.resumed');
    await journey.send('cancel', {}, await reasonFor(journey));
    return { journey: await ended(journey), handoffs: ['install'] };
  },
  async '0.3-nobody-in-time'() {
    const journey = await start(late, ofCustomer());
    await stands(journey, 'install').toBe('expired');
    const handoff = journey.handoff('install');
    // The second offer is as short as the first, and so is the time to take it.
    await until(async () => (await codeOf(handoff.send('retry', {}))) ?? codeOf(handoff.send('accept', {}))).toBeUndefined();
    await handoff.send('complete', {});
    await until(() => journey.events()).toContain('journey.step.breached ask');
    await journey.send('advance', { outcome: 'go' });
    return { journey: await ended(journey), handoffs: ['install'] };
  },
  async '0.3-database-away'() {
    const journey = await start(customUpsell, { ...ofCustomer(), entryKey: 'away' });
    await steps(journey).toEqual(['contact_customer']);
    isAway = true;
    await journey.send('advance', { outcome: 'accepted' });
    isAway = false;
    return { journey: await ended(journey) };
  },
};

test.each(Object.keys(lives))('%s replays', { timeout: 120_000 }, async (name) => {
  const lived = await lives[name]?.();
  if (lived === undefined) throw new Error(`no life ${name}`);
  const { journey, handoffs = [] } = lived;
  await keepHistory(env.client, journey.handle.workflowId, `journey/${name}`);
  for (const [step, visit] of handoffs.map((handoff) => handoff.split('.'))) {
    const { handle } = journey.handoff(step ?? '', Number(visit ?? 1));
    await handle.result();
    await keepHistory(env.client, handle.workflowId, `handoff/${name}-${step}${visit === undefined ? '' : `-${visit}`}`);
  }
});
