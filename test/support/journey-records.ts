/** Records of journeys and handoffs as their workflows send them to PostgreSQL: valid, override what the test is about. */
import type { GateState } from '../../domain/journey/gate/gate.js';
import type { HandoffEvent, HandoffEventType } from '../../domain/handoff/event.js';
import type { JsonObject } from '../../domain/journey/json.js';
import type { Doer, JourneyEvent, JourneyEventType } from '../../domain/journey/run/event.js';
import type { HandoffRecord, HandoffView, JourneyRecord, JourneyView } from '../../domain/journey/run/record.js';
import type { JourneyStart, TaskView, VisitView } from '../../domain/journey/run/state.js';
import { demo } from '../../db/seed.js';
import { hour } from '../../domain/time.js';
import { noon } from './builders.js';

export const aDoer = (over: Partial<Doer> = {}): Doer => ({
  commandId: 'c-1',
  kind: 'advance',
  actor: `user/${demo.lead}`,
  role: 'lead',
  source: 'api',
  ...over,
});

export const aStart = (journeyId: string, over: Partial<JourneyStart> = {}): JourneyStart => ({
  journeyId,
  tenant: demo.tenant,
  template: { key: 'renewal', version: 1, hash: 'a'.repeat(64) },
  subject: { type: 'customer', id: 'cust-1' },
  entryKey: journeyId,
  entry: 1,
  input: {},
  requester: demo.lead,
  trigger: null,
  parent: null,
  startedAt: noon,
  ...over,
});

export const aView = (start: JourneyStart, over: Partial<JourneyView> = {}): JourneyView => ({
  start,
  status: 'active',
  result: null,
  outcome: null,
  stage: 'lead',
  progress: 20,
  currentStep: 'call',
  openSteps: ['call'],
  context: { score: 60 },
  dueAt: noon + hour,
  deadline: null,
  awaitsApproval: false,
  version: 1,
  lastActivity: noon,
  endedAt: null,
  ...over,
});

export const aTask = (over: Partial<TaskView> = {}): TaskView => ({
  people: [],
  roles: ['agent'],
  assignee: null,
  claimedUntil: null,
  outcomes: ['done', 'declined'],
  ...over,
});

export const aVisit = (over: Partial<VisitView> = {}): VisitView => ({
  step: 'call',
  visit: 1,
  item: null,
  state: 'open',
  stage: 'lead',
  enteredAt: noon,
  endedAt: null,
  outcome: null,
  cause: null,
  dueAt: noon + hour,
  attempts: 0,
  incident: null,
  task: aTask(),
  ...over,
});

export const anEvent = (type: JourneyEventType, seq: number, data: JsonObject = {}): JourneyEvent => ({ type, seq, at: noon, data });

/** The first reaction of a journey; its version is the number of its last event. */
export function aRecord(
  journeyId: string,
  over: Partial<Omit<JourneyRecord, 'view'>> & { readonly view?: Partial<JourneyView> } = {},
): JourneyRecord {
  const { view, ...rest } = over;
  const events = rest.events ?? [anEvent('journey.started', 1), anEvent('journey.step.entered', 2, { step: 'call', visit: 1 })];
  return {
    tenant: demo.tenant,
    journeyId,
    runId: 'run-1',
    doer: aDoer(),
    at: noon,
    visits: [],
    gates: [],
    ...rest,
    events,
    view: aView(view?.start ?? aStart(journeyId), { version: events.at(-1)?.seq ?? 0, ...view }),
  };
}

export const aGate = (over: Partial<GateState> = {}): GateState => ({
  round: 1,
  openedAt: noon,
  countsFrom: noon,
  requester: demo.lead,
  earlierVoters: [],
  eligible: [
    { id: 'ann', roles: ['lead'] },
    { id: 'bea', roles: ['lead'] },
  ],
  joined: [],
  required: 2,
  votes: [],
  delegations: [],
  escalations: [],
  evidenceHash: null,
  dueAt: noon + hour,
  outcome: null,
  cause: null,
  closedAt: null,
  ...over,
});

export const aHandoffEvent = (type: HandoffEventType, seq: number, data: JsonObject = {}): HandoffEvent => ({ type, seq, at: noon, data });

export const aHandoff = (journeyId: string, over: Partial<HandoffView> = {}): HandoffView => ({
  handoffId: `${journeyId}.install.1`,
  journeyId,
  step: 'install',
  visit: 1,
  extra: false,
  state: 'offered',
  from: 'crm',
  to: 'field-ops',
  mode: 'accept',
  owner: 'crm',
  assignee: null,
  data: { serviceType: 'fiber' },
  missing: [],
  outcome: null,
  reason: null,
  dueAt: noon + hour,
  attempts: 0,
  version: 1,
  createdAt: noon,
  endedAt: null,
  ...over,
});

export function aHandoffRecord(
  journeyId: string,
  over: Partial<Omit<HandoffRecord, 'view'>> & { readonly view?: Partial<HandoffView> } = {},
): HandoffRecord {
  const { view, ...rest } = over;
  const events = rest.events ?? [aHandoffEvent('handoff.created', 1), aHandoffEvent('handoff.offered', 2)];
  const standing = aHandoff(journeyId, { version: events.at(-1)?.seq ?? 0, ...view });
  return {
    tenant: demo.tenant,
    handoffId: standing.handoffId,
    runId: 'run-1',
    doer: aDoer(),
    at: noon,
    gate: null,
    ...rest,
    events,
    view: standing,
  };
}
