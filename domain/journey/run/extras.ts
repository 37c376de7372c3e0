/** Handoffs apart from the template's steps: the journey starts them, and they do not move it. Source: journeys.md, section 8. */
import { refused } from '../../decision.js';
import type { Refused } from '../../decision.js';
import { isObject, own } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import type { JourneyCode, JourneyCommandOf } from './command.js';
import { personal } from './context.js';
import { isReference } from './data.js';
import type { Draft } from './draft.js';
import type { EffectOf, HandoffReport, HandoffRules, HandoffStart } from './effect.js';
import type { ExtraHandoff } from './journey.js';
import { namelessStep, personOf, publicId, requesterOf, visitKey } from './names.js';
import { isStep } from './plan.js';
import { openVisit } from './verbs.js';

type Order = JourneyCommandOf<'createHandoff'>;

/** Starts one, under a name that is told to the caller; for a step that is open it is the one that step has. */
export function createHandoff(draft: Draft, order: Order): Refused<JourneyCode> | undefined {
  const { step = namelessStep, data = {}, requiredData = [] } = order;
  const { journeyId } = draft.state.start;
  if (isStep(draft.plan, step)) {
    const visit = openVisit(draft, { step });
    if (visit === undefined || visit.handoff === null) return refused('step_not_open', { step });
    draft.said = { handoff: publicId(journeyId, visit.key) };
    return undefined;
  }
  const all = { ...known(draft, requiredData), ...data };
  const paths = faultsOf(draft, order, all);
  if (paths.length > 0) return refused('handoff_invalid', { paths });
  const visit = draft.state.extraCount + 1;
  const id = publicId(journeyId, visitKey(step, visit, null));
  const extra: ExtraHandoff = { id, step, visit, state: null, seq: 0, start: startOf(draft, order, step, visit, all) };
  draft.set({ extraCount: visit, extras: [...draft.state.extras, extra] });
  for (const effect of openingOf(extra)) draft.want(effect);
  draft.said = { handoff: id };
  return undefined;
}

/** What of the required data the journey has. */
const known = ({ state: { context } }: Draft, names: readonly string[]): JsonObject =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = own(context, name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );

/** Every path at fault: equal packages, data that is missing, texts where a reference belongs. */
function faultsOf(draft: Draft, { from, to, requiredData = [], data = {} }: Order, all: JsonObject): readonly string[] {
  const missing = requiredData.filter((name) => (own(all, name) ?? null) === null);
  const raw = personal(draft.plan, Object.keys(data)).filter((name) => !isReference(data[name]));
  return [
    ...(from === '' ? ['/from'] : []),
    ...(to === '' || to === from ? ['/to'] : []),
    ...[...missing, ...raw].map((name) => `/data/${name}`),
  ];
}

function startOf(
  draft: Draft,
  { from, to, mode, requiredData = [], rules = null, actor }: Order,
  step: string,
  visit: number,
  data: JsonObject,
): HandoffStart {
  const { start, voters } = draft.state;
  return {
    journeyId: start.journeyId,
    tenant: start.tenant,
    step,
    visit,
    extra: true,
    rules: { ...furtherRules(rules), from, to, mode, requiredData },
    data,
    // Who asks for it does not decide on it.
    requester: actor.startsWith('user/') ? personOf(actor) : requesterOf(start),
    earlierVoters: voters,
  };
}

/** Compiled rules of a step, checked by whoever sends them. */
const furtherRules = (rules: Json): Partial<HandoffRules> => (isObject(rules) ? rules : {});

/** The wish for one that has not told of itself yet. */
export const openingOf = ({ step, visit, start }: ExtraHandoff): readonly EffectOf<'openHandoff'>[] =>
  start === null ? [] : [{ kind: 'openHandoff', id: `${visitKey(step, visit, null)}/handoff.1`, start }];

const over: readonly string[] = ['completed', 'rejected', 'cancelled'];

/** It tells how it stands; one that is over is forgotten. */
export function extraTold(draft: Draft, { handoff, state, seq, voters = [] }: HandoffReport): void {
  const { extras } = draft.state;
  const extra = extras.find(({ id }) => id === handoff);
  if (extra === undefined || seq <= extra.seq) return;
  const others = extras.filter(({ id }) => id !== handoff);
  draft.set({
    extras: over.includes(state) ? others : [...others, { ...extra, state, seq, start: null }],
    voters: [...new Set([...draft.state.voters, ...voters])],
  });
}
