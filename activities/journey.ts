/** Answers what journeys may not find out by themselves. Expressions see texts and attributes here, and nowhere else. Source: journeys.md, sections 1, 5, 11. */
import { createHash } from 'node:crypto';
import { v5 as uuidFrom } from 'uuid';
import { withTenant } from '../db/client.js';
import type { TenantTx } from '../db/client.js';
import { findEvent, listEvents } from '../db/queries/journey-events.js';
import { findInstance, findPeople, findSubject, findTexts, storeValues } from '../db/queries/journey-questions.js';
import type { SubjectRecord } from '../db/queries/journey-questions.js';
import { concerns, earsOf } from '../domain/journey/entry/correlation.js';
import { eventRoot } from '../domain/journey/entry/event.js';
import { choose, erased } from '../domain/journey/expression.js';
import type { Fault, GuardData, GuardEngine } from '../domain/journey/expression.js';
import { canonical, isList, isObject, pointer } from '../domain/journey/json.js';
import type { Json, JsonObject } from '../domain/journey/json.js';
import { mapped, weigh } from '../domain/journey/run/weigh.js';
import { contentIdsIn, withContents, withoutTexts } from '../domain/journey/texts.js';
import { subjectTypes } from '../domain/journey/template.js';
import { isZone, nextLocalTime, quietUntil } from '../domain/journey/zone.js';
import { expand } from '../domain/sla/calendar.js';
import { horizonMs, walk } from '../domain/sla/windows.js';
import type { JourneyQuestionActivities, JourneyRef } from './contract.js';
import { withoutText } from './failures.js';
import type { Templates } from './journey-templates.js';
import { createRevisions } from './revisions.js';
import type { RevisionsDeps } from './revisions.js';

export interface JourneyQuestionDeps extends RevisionsDeps {
  readonly guards: GuardEngine;
  readonly templates: Templates;
  /** Added to a workflow's instants before a zone, a calendar or the log sees them: a workflow on a server that skips time lives in the future of this host. */
  readonly offsetMs?: number;
  /** Version of the host's time-zone data. */
  readonly zoneData?: string;
}

export function createJourneyQuestions(deps: JourneyQuestionDeps): JourneyQuestionActivities {
  const { db, now, guards, templates, statementMs, offsetMs = 0, zoneData = process.versions['tz'] ?? '' } = deps;
  const revisions = createRevisions(deps);
  const inTenant = <T>({ tenant }: JourneyRef, work: (tx: TenantTx) => Promise<T>): Promise<T> =>
    withTenant(db, tenant, work, { statementMs: statementMs?.() });

  /** What an expression sees: the journey's data with texts in place, the subject's attributes, and the event. */
  const sceneOf = (journey: JourneyRef, sources: readonly string[], data: GuardData, eventId: string | undefined): Promise<GuardData> => {
    const reads = sources.join('\n');
    const wantsSubject = /\bsubject\b/.test(reads);
    const wantsEvent = eventId !== undefined && /\bevent\b/.test(reads);
    const texts = contentIdsIn({ ...data });
    if (!wantsSubject && !wantsEvent && texts.length === 0) return Promise.resolve(data);
    return inTenant(journey, async (tx) => {
      const behind = await findTexts(tx, journey.tenant, texts);
      const subject = wantsSubject ? { subject: subjectRoot(journey, await findSubject(tx, journey.tenant, journey.subject)) } : {};
      const event = wantsEvent ? await findEvent(tx, journey.tenant, eventId) : undefined;
      return { ...inPlace(data, behind), ...subject, ...(event === undefined ? {} : { event: eventRoot(event) }) };
    });
  };

  /** The subject's own zone, else that of its template, else UTC. */
  const zoneOf = async (journey: JourneyRef): Promise<string> => {
    const { zone } = await inTenant(journey, (tx) => findSubject(tx, journey.tenant, journey.subject));
    if (zone !== null && isZone(zone)) return zone;
    const { defaults } = await templates.load(journey.tenant, journey.template);
    return defaults?.timezone !== undefined && isZone(defaults.timezone) ? defaults.timezone : 'UTC';
  };

  return {
    loadTemplate: ({ tenant, template }) => withoutText('journey.retry', () => templates.load(tenant, template)),

    evaluateGuards: ({ journey, guards: asked, data, eventId }) =>
      withoutText('journey.retry', async () => {
        const scene = await sceneOf(
          journey,
          asked.filter((guard) => guard !== null),
          data,
          eventId,
        );
        return choose(guards, asked, scene, spent(now));
      }),

    findValues: ({ journey, effect, paths, data, eventId, pii }) =>
      withoutText('journey.retry', async () => {
        const values = mapped(paths, await sceneOf(journey, Object.values(paths), data, eventId));
        return keptOutside(journey, effect, values, pii);
      }),

    findPeople: ({ journey, who, data, eventId }) =>
      withoutText('journey.retry', async () => {
        const named = await namedPeople(guards, who.expr, () => sceneOf(journey, [who.expr ?? ''], data, eventId));
        const query = { users: [...(who.users ?? []), ...named.users], roles: who.roles ?? [], team: journey.receiver ?? null };
        return { people: await inTenant(journey, (tx) => findPeople(tx, journey.tenant, query)), fault: named.fault };
      }),

    hashEvidence: ({ value }) => Promise.resolve(createHash('sha256').update(canonical(value)).digest('hex')),

    nextLocalTime: ({ journey, local, zone, after }) =>
      withoutText('journey.retry', async () => {
        const known = zone !== null && isZone(zone) ? zone : await zoneOf(journey);
        return nextLocalTime(local, known, after + offsetMs) - offsetMs;
      }),

    quietUntil: ({ journey, from, to, at }) =>
      withoutText('journey.retry', async () => {
        const until = quietUntil({ from, to }, await zoneOf(journey), at + offsetMs);
        return until === null ? null : until - offsetMs;
      }),

    afterOpenTime: ({ journey: { tenant }, calendar: id, from, amountsMs }) =>
      withoutText('journey.retry', async () => {
        const ref = await revisions.newest(tenant, id);
        const start = from + offsetMs;
        const reach = { from: start, until: start, needMs: Math.max(0, ...amountsMs), zoneData };
        const windows = expand(await revisions.calendar(tenant, ref), ref, reach);
        // A calendar that opens less than that in five years never lets it pass.
        return amountsMs
          .map((amount) => (windows === 'horizon' ? null : walk(windows, start, amount)) ?? start + horizonMs)
          .map((at) => at - offsetMs);
      }),

    weighEvent: ({ journey, effect, eventId, candidates, data }) =>
      withoutText('journey.retry', async () => {
        const found = await inTenant(journey, (tx) => findEvent(tx, journey.tenant, eventId));
        const none = { verdicts: candidates.map(({ ref }) => ({ ref, taken: false, output: {}, fault: null })), trace: [] };
        if (found === undefined) return none;
        const sources = candidates.flatMap(({ when, match, output }) => [
          when ?? '',
          ...Object.values(match ?? {}),
          ...Object.values(output),
        ]);
        const scene = await sceneOf(journey, [...sources, 'subject'], data, undefined);
        const { verdicts, trace } = weigh(guards, candidates, eventRoot(found), scene, spent(now));
        const kept = await Promise.all(
          verdicts.map(async ({ output, ...verdict }) => {
            const pii = candidates.find(({ ref }) => ref === verdict.ref)?.pii ?? [];
            return { ...verdict, output: await keptOutside(journey, `${effect}/${verdict.ref}`, output, pii) };
          }),
        );
        return { verdicts: kept, trace };
      }),

    lookBack: ({ journey, since, types, excluded }) =>
      withoutText('journey.retry', async () => {
        const ears = earsOf(await templates.load(journey.tenant, journey.template));
        const type = subjectTypes.find((known) => known === journey.subject.type) ?? 'custom';
        return inTenant(journey, async (tx) => {
          const events = await listEvents(tx, journey.tenant, { types, since: since + offsetMs });
          if (events.length === 0) return [];
          const known = await findInstance(tx, journey.tenant, journey.journeyId);
          const instance = { journeyId: journey.journeyId, subject: { type, id: journey.subject.id }, ...known };
          return events
            .filter((event) => !excluded.includes(event.id) && concerns(event, ears.get(event.type) ?? [], instance))
            .map(({ id, type: named, at }) => ({ id, type: named, at: at - offsetMs }));
        });
      }),
  };

  /** Texts and what is personal go to the database; ids, numbers and truths travel. */
  async function keptOutside(journey: JourneyRef, effect: string, values: JsonObject, pii: readonly string[]): Promise<JsonObject> {
    const { tenant, journeyId } = journey;
    const { value, texts } = withoutTexts(
      values,
      {},
      (path) => uuidFrom(`${journeyId}/${effect}#${path}`, tenant),
      (path) => pii.some((name) => path === pointer(name)),
    );
    if (texts.length > 0) {
      const stored = texts.map(({ id, text }) => ({ id, value: text }));
      await inTenant(journey, (tx) => storeValues(tx, tenant, journeyId, stored));
    }
    return isObject(value) ? value : {};
  }
}

/** Milliseconds since now. */
const spent = (now: () => number): (() => number) => {
  const begun = now();
  return () => now() - begun;
};

/** The type and the id are what the journey says, whatever somebody has noted as attributes. */
const subjectRoot = ({ subject }: JourneyRef, { attributes }: SubjectRecord): JsonObject => ({ ...attributes, ...subject });

/** Data with its content ids replaced by what lies behind them; what was erased stands as erased. */
function inPlace(data: GuardData, behind: ReadonlyMap<string, Json>): GuardData {
  const whole = new Map(contentIdsIn({ ...data }).map((id) => [id, behind.get(id) ?? erased]));
  return Object.fromEntries(Object.entries(data).map(([root, value]) => [root, withContents(value, whole)]));
}

/** The ids an expression yields; people may come as ids, or as objects that have one. */
async function namedPeople(
  guards: GuardEngine,
  expression: string | undefined,
  scene: () => Promise<GuardData>,
): Promise<{ readonly users: readonly string[]; readonly fault: Fault | null }> {
  if (expression === undefined) return { users: [], fault: null };
  const answer = guards.value(expression, await scene());
  if (!answer.ok) return { users: [], fault: answer.fault };
  const people = isList(answer.value) ? answer.value : [answer.value];
  const users = people.flatMap((person) => (isObject(person) ? (person['id'] ?? []) : person)).filter((id) => typeof id === 'string');
  return { users, fault: users.length < people.length ? { reason: 'type', path: null } : null };
}
