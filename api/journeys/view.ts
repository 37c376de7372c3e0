/** Journeys, their steps and what happened in them, as callers read them. */
import { iso, isoOrNull } from '../tickets/view.js';
import type { HistoryView, JourneyView, StepView, TaskView } from './schema.js';
import type { JourneyRecord, LoggedEvent, TaskRecord, VisitRecord } from '../../db/queries/journeys.js';
import { isObject } from '../../domain/journey/json.js';
import type { Json, JsonObject } from '../../domain/journey/json.js';
import type { JourneyView as StandingJourney } from '../../domain/journey/run/record.js';
import { incidentCodes } from '../../domain/journey/run/state.js';
import { contentIdsIn, withContents } from '../../domain/journey/texts.js';
import type { Step } from '../../domain/journey/step.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** What stands behind content ids; an erased text is not there. */
export type Contents = ReadonlyMap<string, Json>;

/** Values as they were given, an erased text as null. */
export const readable = (value: JsonObject, contents: Contents): Record<string, unknown> => {
  const whole = withContents(value, contents);
  return isObject(whole) ? { ...whole } : {};
};

/** Every text that some values refer to. */
export const textsOf = (values: readonly (Json | undefined)[]): string[] => [
  ...new Set(values.flatMap((value) => (value === undefined ? [] : contentIdsIn(value)))),
];

export const journeyView = (row: JourneyRecord, contents: Contents): JourneyView => ({
  id: row.id,
  name: row.name ?? row.templateKey,
  templateKey: row.templateKey,
  version: row.templateVersion,
  status: row.status,
  result: row.result,
  outcome: row.outcome,
  stage: row.stage,
  progress: row.progress,
  currentStep: row.currentStep,
  openSteps: [...row.openSteps],
  subject: { type: row.subjectType, id: row.subjectId },
  context: readable(row.context, contents),
  incidents: row.incidents.map(({ step, visit, item, code, detail, openedAt }) => ({
    step,
    visit,
    item: itemOf(item),
    code: incidentCodes.find((known) => known === code) ?? 'unknown',
    detail,
    openedAt,
  })),
  awaitsApproval: row.awaitsApproval,
  dueAt: isoOrNull(row.dueAt),
  requester: row.requester,
  trigger: row.triggerId === null ? null : { id: row.triggerId, event: row.triggerEventId },
  parent: row.parentId,
  modified: row.modified,
  seq: row.version,
  startedAt: iso(row.startedAt),
  lastActivity: iso(row.lastActivity),
  endedAt: isoOrNull(row.endedAt),
});

/** As its workflow answered: everything but texts, and without what only the rows know. */
export const acceptedJourney = (view: StandingJourney, name: string): JourneyView => ({
  id: view.start.journeyId,
  name,
  templateKey: view.start.template.key,
  version: view.start.template.version,
  status: view.status,
  result: view.result,
  outcome: view.outcome,
  stage: view.stage,
  progress: view.progress,
  currentStep: view.currentStep,
  openSteps: [...view.openSteps],
  subject: { ...view.start.subject },
  context: readable(view.context, new Map()),
  incidents: [],
  awaitsApproval: view.awaitsApproval,
  dueAt: instant(view.dueAt),
  requester: view.start.requester,
  trigger: view.start.trigger === null ? null : { id: view.start.trigger.id, event: view.start.trigger.eventId },
  parent: view.start.parent?.journeyId ?? null,
  modified: false,
  seq: view.version,
  startedAt: toIso(view.start.startedAt),
  lastActivity: toIso(view.lastActivity),
  endedAt: instant(view.endedAt),
});

const instant = (at: Instant | null): string | null => (at === null ? null : toIso(at));
const itemOf = (item: string): string | null => (item === '' ? null : item);

const taskOf = ({ people, roles, outcomes, assignee, claimedUntil }: Omit<VisitRecord, 'actions'>) => ({
  assignee,
  claimedUntil: isoOrNull(claimedUntil),
  people: [...(people ?? [])],
  roles: [...(roles ?? [])],
  outcomes: [...(outcomes ?? [])],
});

/** @param template null: its version is not there */
export function stepView(row: VisitRecord, template: JourneyTemplate | null, contents: Contents): StepView {
  const step: Step | undefined = template?.steps[row.step];
  const { lateResult } = row;
  return {
    step: row.step,
    name: step?.name ?? row.step,
    kind: step?.kind ?? null,
    visit: row.visit,
    item: itemOf(row.item),
    state: row.state,
    stage: row.stage,
    enteredAt: iso(row.enteredAt),
    endedAt: isoOrNull(row.endedAt),
    outcome: row.outcome,
    cause: row.cause,
    dueAt: isoOrNull(row.dueAt),
    attempts: row.attempts,
    incident: row.incidentCode === null ? null : { code: row.incidentCode, detail: row.incidentDetail },
    output: row.output === null ? null : readable(row.output, contents),
    lateResult:
      lateResult === null
        ? null
        : {
            ...lateResult,
            at: toIso(lateResult.at),
            ...(lateResult.output === undefined ? {} : { output: readable(lateResult.output, contents) }),
          },
    task: row.people === null ? null : taskOf(row),
    actions: row.actions.map((action) => ({ ...action })),
  };
}

export const taskView = (row: TaskRecord): TaskView => ({
  id: `${row.journeyId}.${row.step}.${row.visit}${row.item === '' ? '' : `.${row.item}`}`,
  journey: row.journeyId,
  journeyName: row.journeyName ?? row.templateKey,
  templateKey: row.templateKey,
  version: row.templateVersion,
  subject: { type: row.subjectType, id: row.subjectId },
  step: row.step,
  name: row.stepName ?? row.step,
  visit: row.visit,
  item: itemOf(row.item),
  stage: row.stage,
  since: iso(row.enteredAt),
  dueAt: isoOrNull(row.dueAt),
  form: row.form ?? null,
  ...taskOf(row),
});

export const historyView = (row: LoggedEvent): HistoryView => ({
  subject: row.subject,
  seq: row.seq,
  type: row.type,
  at: iso(row.at),
  actor: row.actor,
  actorName: row.actorName,
  role: row.role,
  via: row.source,
  commandId: row.commandId,
  data: outside(row.data),
  text: row.text,
});

/** Inside, instants are numbers. */
const outside = (data: JsonObject): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(data).map(([name, value]) => [
      name,
      typeof value === 'number' && /^(?:at|until)$|At$/.test(name) ? toIso(value) : value,
    ]),
  );
