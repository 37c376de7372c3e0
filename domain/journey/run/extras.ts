/** Handoffs apart from the template's steps: the journey starts them, and they do not move it. Source: journeys.md, section 8. */
import { refused } from '../../decision.js';
import type { Refused } from '../../decision.js';
import { isObject, own } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import { namesOf } from '../path.js';
import type { Path } from '../step.js';
import type { JourneyCode, JourneyCommandOf } from './command.js';
import { personal } from './context.js';
import { dataOf, isReference } from './data.js';
import type { Draft } from './draft.js';
import type { EffectOf, HandoffReport, HandoffRules, HandoffStart } from './effect.js';
import { isSupplied } from './handoffs.js';
import type { ExtraHandoff } from './journey.js';
import { knownOf, readsOf } from './known.js';
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
  const all = { ...there(draft, requiredData), ...data };
  const paths = faultsOf(draft, order, all);
  if (paths.length > 0) return refused('handoff_invalid', { paths });
  const visit = draft.state.extraCount + 1;
  const id = publicId(journeyId, visitKey(step, visit, null));
  const reads = readsOf(furtherRules(order.rules ?? null)).filter((path) => !isGiven(path, data));
  const start = startOf(draft, order, { step, visit, data: all, reads });
  const extra: ExtraHandoff = { id, step, visit, state: null, seq: 0, start, ...(reads.length === 0 ? {} : { reads, told: 0 }) };
  draft.set({ extraCount: visit, extras: [...draft.state.extras, extra] });
  for (const effect of openingOf(extra)) draft.want(effect);
  draft.said = { handoff: id };
  return undefined;
}

/** What of the required data the journey has. */
const there = ({ state: { context } }: Draft, names: readonly string[]): JsonObject =>
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

/** Whether a path is one of what the caller sends along: that stands as it was sent, whatever becomes of a variable of that name. */
function isGiven(path: Path, data: JsonObject): boolean {
  const [root, name] = namesOf(path);
  return root === 'context' && typeof name === 'string' && Object.hasOwn(data, name);
}

type Opening = Pick<HandoffStart, 'step' | 'visit' | 'data'> & { readonly reads: readonly Path[] };

function startOf(
  draft: Draft,
  { from, to, mode, requiredData = [], rules = null, actor }: Order,
  { step, visit, data, reads }: Opening,
): HandoffStart {
  const { start, voters } = draft.state;
  const known = knownOf(reads, dataOf(draft.state, draft.at), {});
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
    ...(known === null ? {} : { known }),
  };
}

/** Variables have changed: what is voted on may be something else. */
export function supplyExtras(draft: Draft): void {
  const scene = dataOf(draft.state, draft.at);
  const extras = draft.state.extras.map((extra) => {
    const { id, step, visit, state, reads = [], told = 0 } = extra;
    const known = isSupplied(state) ? knownOf(reads, scene, {}) : null;
    if (known === null) return extra;
    const name = `${visitKey(step, visit, null)}/supply.${told + 1}`;
    draft.want({ kind: 'tellHandoff', id: name, handoff: id, word: { kind: 'supply', data: {}, known } });
    return { ...extra, told: told + 1 };
  });
  draft.set({ extras });
}

/** Says the same to all of them: the journey pauses, or goes on. */
export function tellExtras(draft: Draft, word: Extract<EffectOf<'tellHandoff'>['word'], { readonly kind: 'pause' | 'resume' }>): void {
  const extras = draft.state.extras.map((extra) => {
    const told = (extra.told ?? 0) + 1;
    const id = `${visitKey(extra.step, extra.visit, null)}/${word.kind}.${told}`;
    draft.want({ kind: 'tellHandoff', id, handoff: extra.id, word });
    return { ...extra, told };
  });
  draft.set({ extras });
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
