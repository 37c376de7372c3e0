/** Entries into journeys that no caller asks for: by triggers, and as another journey's child. Source: journeys.md, sections 2 and 10. */
import { createHash } from 'node:crypto';
import { withTenant } from '../db/client.js';
import type { Db } from '../db/client.js';
import { findEntryTemplate } from '../db/queries/journey-entry.js';
import { entryPorts } from '../db/queries/journey-entry-ports.js';
import { findEnding, findTexts } from '../db/queries/journey-questions.js';
import { subjectRoot } from '../db/queries/journey-subject.js';
import type { TenantId } from '../domain/ids.js';
import { enter } from '../domain/journey/entry/enter.js';
import type { EntryOutcome, EntryPorts, EntryRequest, EntryTemplate } from '../domain/journey/entry/enter.js';
import { subjectAsked, subjectOfChild } from '../domain/journey/entry/entry.js';
import type { Asked, CompiledTrigger } from '../domain/journey/entry/entry.js';
import type { BusEvent, SubjectRef } from '../domain/journey/entry/event.js';
import type { GuardEngine } from '../domain/journey/expression.js';
import { isObject } from '../domain/journey/json.js';
import type { JsonObject } from '../domain/journey/json.js';
import { contentIdsIn, withContents } from '../domain/journey/texts.js';
import type { Instant } from '../domain/time.js';
import type { EnteredChild, EntryActivities } from './contract.js';
import { withoutText } from './failures.js';
import type { Follower, JourneyMessages } from './journey-entry-ports.js';

export interface EntryDeps {
  readonly db: Db;
  readonly guards: GuardEngine;
  readonly journeys: JourneyMessages;
  /** A new time-ordered UUID. */
  readonly newId: () => string;
  readonly now: () => Instant;
}

/** Ports of an entry that is not made by a caller. */
const portsFor = ({ db, guards, journeys, newId, now }: EntryDeps, tenant: TenantId): EntryPorts => ({
  ...entryPorts({ tenant, within: (work) => withTenant(db, tenant, work), engine: guards, newId, now }),
  open: (start) => journeys.open(start),
  attach: (journeyId, attachment) => journeys.attach(journeyId, attachment),
});

export interface TriggeredEntry {
  readonly tenant: TenantId;
  readonly template: EntryTemplate;
  readonly trigger: CompiledTrigger;
  readonly event: BusEvent;
  /** Whose attributes fired the trigger; null: the event says whom it is about. */
  readonly subject: SubjectRef | null;
}

/** Enters by a trigger; the same event again finds what it led to. Throws what may be tried again. */
export async function enterByTrigger(
  deps: EntryDeps,
  { tenant, template, trigger, event, subject }: TriggeredEntry,
): Promise<EntryOutcome> {
  const asked: Asked = {
    trigger,
    event,
    subject: null,
    input: {},
    commandId: commandIdOf('event', [template.key, trigger.id, event.id, ...(subject === null ? [] : [subject.type, subject.id])]),
  };
  const whom = subject ?? subjectAsked(template.compiled, asked);
  const known = whom === null ? null : await withTenant(deps.db, tenant, (tx) => subjectRoot(tx, tenant, whom));
  const request: EntryRequest = {
    tenant,
    template,
    asked: { ...asked, subject: known },
    actor: 'system/trigger',
    requester: null,
    parent: null,
  };
  return enter(portsFor(deps, tenant), request);
}

/** The same parts always make the same command; none of them shows in it. */
export const commandIdOf = (kind: string, parts: readonly string[]): string =>
  `${kind}-${createHash('sha256').update(parts.join('\u001f')).digest('hex').slice(0, 32)}`;

export const createChildEntry = (deps: EntryDeps): Pick<EntryActivities, 'enterChild'> => ({
  enterChild: ({ journey, key, version, input, effect, requester }) =>
    withoutText('journey.retry', async () => {
      const { db } = deps;
      const { tenant, journeyId } = journey;
      const wanted = typeof version === 'number' ? version : undefined;
      const [template, given] = await withTenant(db, tenant, async (tx) => {
        const texts = await findTexts(tx, tenant, contentIdsIn(input));
        const found = await findEntryTemplate(tx, tenant, key, wanted);
        return [found, plainInput(input, texts)] as const;
      });
      if (template === undefined) return { refused: 'unknown_template' };
      const asked: Asked = {
        trigger: null,
        event: null,
        subject: null,
        input: given,
        commandId: commandIdOf('child', [journeyId, effect]),
      };
      const whom = subjectOfChild(template.compiled, asked, journey.subject);
      const known = whom === null ? null : await withTenant(db, tenant, (tx) => subjectRoot(tx, tenant, whom));
      const outcome = await enter(portsFor(deps, tenant), {
        tenant,
        template,
        asked: { ...asked, subject: known },
        actor: 'system/journey',
        requester,
        parent: { journeyId, effect },
      });
      switch (outcome.kind) {
        case 'started':
          return { journey: outcome.journeyId };
        case 'existing':
        case 'signalled':
          return joined(deps, tenant, outcome.journeyId, { journeyId, effect });
        case 'refused':
          return { refused: outcome.reason };
        case 'invalid':
        case 'none':
          return { refused: 'input_invalid' };
      }
    }),
});

/** It runs already, for somebody else: its end is to be told here, too. */
async function joined({ db, journeys }: EntryDeps, tenant: TenantId, journey: string, follower: Follower): Promise<EnteredChild> {
  if ((await journeys.follow(journey, follower)) === 'told') return { journey, joined: true };
  const ended = await withTenant(db, tenant, (tx) => findEnding(tx, tenant, journey));
  if (ended === undefined) throw new Error(`${journey} is over, and its row does not say how yet`);
  return { journey, joined: true, ended };
}

/** Texts in place: the child checks them against its own schema, and keeps them under ids of its own. */
function plainInput(input: JsonObject, texts: Awaited<ReturnType<typeof findTexts>>): JsonObject {
  const value = withContents(input, texts);
  return isObject(value) ? value : {};
}
