/**
 * Brings one event to whom it concerns: open journeys first, then triggers, then the goals of journeys that are over. Everything in it may be
 * repeated: journeys know events by their id, entries by the command that follows from the event. Source: journeys.md, section 11.
 */
import type { Db } from '../db/client.js';
import { withTenant } from '../db/client.js';
import { findProduct } from '../db/queries/configuration.js';
import { findConcerned, keepAnswer } from '../db/queries/event-relay.js';
import type { Concerned, EventRef, LiveVersions } from '../db/queries/event-relay.js';
import { findCondition, noteCondition } from '../db/queries/journey-entry.js';
import { storeInboundEvents } from '../db/queries/inbound-events.js';
import type { NewEvent } from '../db/queries/inbound-events.js';
import { findEvent } from '../db/queries/journey-events.js';
import { findOpenVotes } from '../db/queries/open-votes.js';
import { reachGoal } from '../db/queries/journey-goals.js';
import { listSubjects, subjectRoot } from '../db/queries/journey-subject.js';
import { directoryChanges } from '../domain/access/directory-changes.js';
import type { TenantId } from '../domain/ids.js';
import type { CompiledTemplate } from '../domain/journey/compile.js';
import { watchCondition } from '../domain/journey/entry/condition.js';
import { concerns, consumes, searchFor } from '../domain/journey/entry/correlation.js';
import type { Ear } from '../domain/journey/entry/correlation.js';
import type { EntryOutcome, EntryTemplate } from '../domain/journey/entry/enter.js';
import { subjectAsked } from '../domain/journey/entry/entry.js';
import type { CompiledTrigger } from '../domain/journey/entry/entry.js';
import { eventRoot, idPattern, subjectsOf } from '../domain/journey/entry/event.js';
import type { BusEvent, SubjectRef } from '../domain/journey/entry/event.js';
import { goalWindowMs, reachedGoals } from '../domain/journey/entry/goals.js';
import { subjectChanged } from '../domain/journey/entry/subject-changes.js';
import { conditionsOn, triggersFor } from '../domain/journey/entry/triggers.js';
import type { JsonObject } from '../domain/journey/json.js';
import { day } from '../domain/time.js';
import { commandIdOf, enterByTrigger } from './journey-entry.js';
import type { EntryDeps } from './journey-entry.js';
import { dueAgain, scheduled } from './journey-entry-interests.js';
import type { Interests, InterestsOf, Listener } from './journey-entry-interests.js';

export interface RoutingDeps extends EntryDeps {
  readonly interests: InterestsOf;
}

/** What an event led to, for figures. */
export interface Routed {
  readonly told: number;
  readonly entered: number;
}

export interface EventRouting {
  /** Which of the events are anybody's business. */
  readonly concerned: (events: readonly EventRef[], live: LiveVersions) => Promise<ReadonlySet<EventRef>>;
  /** Does all that follows from an event. Throws what may be tried again. */
  readonly route: (ref: Pick<EventRef, 'tenant' | 'id'>) => Promise<Routed>;
}

/** Journeys told at once. */
const parallel = 20;

export function createEventRouting(deps: RoutingDeps): EventRouting {
  const { db, interests } = deps;
  /** A tenant whose templates cannot be read holds up nobody else: its events fail one by one, and are tried again. */
  const readable = (tenant: TenantId, live: LiveVersions): Promise<Interests | null> =>
    interests(tenant, live.get(tenant)).catch(() => null);

  return {
    async concerned(events, live) {
      const tenants = [...new Set(events.map(({ tenant }) => tenant))];
      const known = new Map(await Promise.all(tenants.map(async (tenant) => [tenant, await readable(tenant, live)] as const)));
      return new Set(events.filter(({ tenant, type }) => known.get(tenant)?.hears(type) !== false));
    },

    async route({ tenant, id }) {
      const wanted = await interests(tenant);
      const event = await withTenant(db, tenant, (tx) => findEvent(tx, tenant, id));
      if (event === undefined) return nothing;
      if (event.source === 'usher' && event.type === dueAgain) return again(deps, tenant, event, wanted);
      if (event.source === 'usher' && event.type === scheduled) return onTime(deps, tenant, event, wanted);
      if (event.source === 'usher' && directoryChanges.includes(event.type)) return lookAgain(deps, tenant, event, wanted);
      const scene = await look(deps, tenant, event, wanted);
      // Decided before anything is told: afterwards the steps that take the event are no longer open.
      const entries = await free(deps, scene);
      const told = await tell(deps, scene);
      let entered = await conditions(deps, scene);
      for (const { template, trigger } of entries) {
        if (trigger.delay !== undefined) {
          await later(deps, scene, { template, trigger });
          continue;
        }
        const outcome = await enterByTrigger(deps, { tenant, template, trigger, event, subject: null });
        entered += counted(outcome);
      }
      await goals(deps, scene);
      return { told, entered };
    },
  };
}

const nothing: Routed = { told: 0, entered: 0 };

/** A trigger of a template as it is published now; null: it is there no more. */
function triggerNamed({ published }: Interests, { template: key, trigger: id }: JsonObject): TriggerOfTemplate | null {
  const template = published.find((one) => one.key === key);
  const trigger = template?.compiled.triggers?.find((one) => one.id === id);
  return template === undefined || trigger === undefined ? null : { template, trigger };
}

const counted = ({ kind }: EntryOutcome): number => Number(kind === 'started' || kind === 'signalled');

/** Puts an entry off until its delay is over: an event of our own comes then. */
async function later({ db }: EntryDeps, { tenant, event }: Scene, { template, trigger }: TriggerOfTemplate): Promise<void> {
  const due: NewEvent = {
    id: commandIdOf('due', [template.key, trigger.id, event.id]),
    type: dueAgain,
    source: 'usher',
    at: event.at,
    data: { template: template.key, trigger: trigger.id, event: event.id },
    notBefore: event.at + (trigger.delay ?? 0),
  };
  await withTenant(db, tenant, (tx) => storeInboundEvents(tx, tenant, [due], 'system/trigger'));
}

/** The delay of an entry is over. */
async function again(deps: EntryDeps, tenant: TenantId, { data }: BusEvent, wanted: Interests): Promise<Routed> {
  const { event: id } = data;
  const found = triggerNamed(wanted, data);
  const event = typeof id === 'string' ? await withTenant(deps.db, tenant, (tx) => findEvent(tx, tenant, id)) : undefined;
  if (found === null || event === undefined) return nothing;
  return { told: 0, entered: counted(await enterByTrigger(deps, { tenant, ...found, event, subject: null })) };
}

/** Subjects that one event of a schedule enters; the next ones come with another, so that none takes long. */
const page = 100;

/** A schedule's time has come: everybody known may enter, as far as the trigger's guard and the audience let them. */
async function onTime(deps: EntryDeps, tenant: TenantId, event: BusEvent, wanted: Interests): Promise<Routed> {
  const { db } = deps;
  const found = triggerNamed(wanted, event.data);
  if (found === null) return nothing;
  const { type } = found.template.compiled.subject;
  const after = typeof event.data['after'] === 'string' ? event.data['after'] : null;
  const ids = await withTenant(db, tenant, (tx) => listSubjects(tx, tenant, type, after, page));
  let entered = 0;
  for (const id of ids.filter((one) => idPattern.test(one))) {
    entered += counted(await enterByTrigger(deps, { tenant, ...found, event, subject: { type, id } }));
  }
  const last = ids.length < page ? undefined : ids.at(-1);
  if (last !== undefined) {
    const next: NewEvent = {
      id: commandIdOf('page', [event.id, last]),
      type: scheduled,
      source: 'usher',
      at: event.time ?? event.at,
      data: { ...event.data, after: last },
    };
    await withTenant(db, tenant, (tx) => storeInboundEvents(tx, tenant, [next], 'system/schedule'));
  }
  return { told: 0, entered };
}

/** Somebody has other roles than before: open votes whose electorate is dynamic look again. */
async function lookAgain({ db, journeys }: EntryDeps, tenant: TenantId, { id }: BusEvent, { listeners }: Interests): Promise<Routed> {
  const versions = listeners.filter(({ compiled }) => hasDynamicVote(compiled)).map(({ key, version }) => ({ key, version }));
  const votes = await withTenant(db, tenant, (tx) => findOpenVotes(tx, tenant, { versions }));
  const answers = await inTurns(votes, (vote) => journeys.lookAgain(vote, id));
  return { told: answers.filter((answer) => answer === 'told').length, entered: 0 };
}

const hasDynamicVote = ({ steps }: CompiledTemplate): boolean =>
  Object.values(steps).some((step) => step.kind === 'approval' && step.eligible === 'dynamic');

/** Not all at once, and in order. */
async function inTurns<Item, Answer>(items: readonly Item[], work: (item: Item) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let from = 0; from < items.length; from += parallel)
    answers.push(...(await Promise.all(items.slice(from, from + parallel).map(work))));
  return answers;
}

/** An event with everybody it may concern. */
interface Scene {
  readonly tenant: TenantId;
  readonly event: BusEvent;
  readonly wanted: Interests;
  readonly instances: readonly (Concerned & { readonly ears: readonly Ear[] })[];
}

const isListening = ({ ears }: Listener, type: string): boolean => ears.has(type);

async function look({ db }: { readonly db: Db }, tenant: TenantId, event: BusEvent, wanted: Interests): Promise<Scene> {
  const listening = wanted.listeners.filter((listener) => isListening(listener, event.type));
  const all = listening.flatMap(({ ears }) => ears.get(event.type) ?? []);
  const endedSince = goalHorizon(listening, event);
  const found = await withTenant(db, tenant, (tx) =>
    findConcerned(tx, tenant, {
      versions: listening.map(({ key, version }) => ({ key, version })),
      search: searchFor(event, all),
      endedSince,
    }),
  );
  const instances = found.flatMap((instance) => {
    const { key, version } = instance.template;
    const ears = listening.find((listener) => listener.key === key && listener.version === version)?.ears.get(event.type) ?? [];
    // The event that starts a journey is none that it waits for.
    return instance.startedBy !== event.id && concerns(event, ears, instance) ? [{ ...instance, ears }] : [];
  });
  return { tenant, event, wanted, instances };
}

/** From when on journeys must have started for one of their goals to count still; null: no goal listens. */
function goalHorizon(listening: readonly Listener[], event: BusEvent): number | null {
  const windows = listening.flatMap(({ compiled: { goals: all = [] } }) =>
    all.flatMap((goal) => (goal.event === event.type ? [goal.window ?? goalWindowMs] : [])),
  );
  return windows.length === 0 ? null : event.at - Math.max(...windows);
}

async function tell({ journeys }: EntryDeps, { event, instances }: Scene): Promise<number> {
  const open = instances.filter(({ endedAt }) => endedAt === null);
  const { id, type, at } = event;
  const answers = await inTurns(open, ({ journeyId }) => journeys.tell(journeyId, { id, type, at }));
  return answers.filter((answer) => answer === 'told').length;
}

interface TriggerOfTemplate {
  readonly template: EntryTemplate;
  readonly trigger: CompiledTrigger;
}

/** The triggers an event may fire, without those whose template has an instance that takes the event for the same subject. */
async function free(deps: RoutingDeps, scene: Scene): Promise<TriggerOfTemplate[]> {
  const { event, wanted, instances } = scene;
  const fired = wanted.published.flatMap((template) =>
    triggersFor([template.compiled], event).map(({ trigger }) => ({ template, trigger })),
  );
  const entries: TriggerOfTemplate[] = [];
  for (const entry of fired) {
    if (!(await isSwitchedOn(deps, scene, entry))) continue;
    const rivals = instances.filter(({ template, endedAt }) => template.key === entry.template.key && endedAt === null);
    if (rivals.length === 0 || !(await isTaken(deps, scene, entry, rivals))) entries.push(entry);
  }
  return entries;
}

/** Whether an open instance for the same subject takes the event; asked again, the first answer stands. */
async function isTaken(
  { db, guards, now }: EntryDeps,
  { tenant, event }: Scene,
  { template, trigger }: TriggerOfTemplate,
  rivals: Scene['instances'],
): Promise<boolean> {
  const subject = subjectAsked(template.compiled, { trigger, event, subject: null, input: {}, commandId: event.id });
  const taken = rivals.some(
    (rival) =>
      (subject === null || (rival.subject.type === subject.type && rival.subject.id === subject.id)) &&
      consumes(event, rival.ears, rival, guards, now()),
  );
  const question = { template: template.key, trigger: trigger.id, eventId: event.id };
  return withTenant(db, tenant, (tx) => keepAnswer(tx, tenant, question, taken, now() + day));
}

/** The template that accompanies tickets, where the product says so. */
const supportJourney = 'support_resolution';

async function isSwitchedOn({ db }: EntryDeps, { tenant, event }: Scene, { template }: TriggerOfTemplate): Promise<boolean> {
  if (template.key !== supportJourney || event.source !== 'usher' || event.type !== 'ticket.created') return true;
  const { product } = event.data;
  if (typeof product !== 'string') return false;
  const found = await withTenant(db, tenant, (tx) => findProduct(tx, tenant, product));
  return found?.settings.supportJourney === true;
}

/** Condition triggers on the subjects whose attributes an event tells of. */
async function conditions(deps: RoutingDeps, { tenant, event, wanted }: Scene): Promise<number> {
  const isChange = event.type === subjectChanged;
  const subjects = subjectsOf(event).filter(
    ({ type }) => isChange || (type === 'ticket' && event.source === 'usher' && event.type.startsWith('ticket.')),
  );
  let entered = 0;
  for (const subject of subjects) {
    for (const template of wanted.published) {
      for (const { trigger } of conditionsOn([template.compiled], subject.type)) {
        if (await conditionFires(deps, { tenant, template, trigger, event, subject })) entered += 1;
      }
    }
  }
  return entered;
}

interface Watched extends TriggerOfTemplate {
  readonly tenant: TenantId;
  readonly event: BusEvent;
  readonly subject: SubjectRef;
}

async function conditionFires(deps: EntryDeps, { tenant, template, trigger, event, subject }: Watched): Promise<boolean> {
  const { db, guards, now } = deps;
  const key = { template: template.key, trigger: trigger.id, subject };
  const [root, before] = await withTenant(db, tenant, async (tx) => [
    await subjectRoot(tx, tenant, subject),
    (await findCondition(tx, tenant, key)) ?? null,
  ]);
  const { verdict } = guards.evaluate(trigger.when ?? 'false', { subject: root, event: eventRoot(event), now: now() });
  const { fires, after } = watchCondition(trigger, before, verdict, now());
  // Entered first: a relay that dies in between finds the change again, and the entry too.
  const outcome = fires ? await enterByTrigger(deps, { tenant, template, trigger, event, subject }) : null;
  if (before?.isTrue !== after.isTrue || fires) await withTenant(db, tenant, (tx) => noteCondition(tx, tenant, key, after, now()));
  return outcome !== null && counted(outcome) > 0;
}

/** Goals count inside their window although the journey is over; its workflow hears no more, so they are recorded here. */
async function goals({ db, guards, newId, now }: EntryDeps, { tenant, event, wanted, instances }: Scene): Promise<void> {
  for (const instance of instances) {
    if (instance.endedAt === null) continue;
    const { key, version } = instance.template;
    const compiled = wanted.listeners.find((listener) => listener.key === key && listener.version === version)?.compiled;
    if (compiled === undefined) continue;
    for (const { goal, value } of reachedGoals(compiled, event, instance, guards, now())) {
      const reached = { journeyId: instance.journeyId, goal, value, eventId: event.id, at: event.at };
      await withTenant(db, tenant, (tx) =>
        reachGoal(tx, tenant, reached, { commandId: commandIdOf('goal', [instance.journeyId, goal]), id: newId() }),
      );
    }
  }
}
