/** What operators do with a parked step. Source: journeys.md, section 7. */
import { refused } from '../../decision.js';
import type { Refused } from '../../decision.js';
import { awaited } from './candidates.js';
import { outputFaults } from './advance.js';
import { beginApproval, missAgain, rehash } from './approvals.js';
import { beginAttempts } from './attempting.js';
import { joinIfReady } from './branching.js';
import { childEnded } from './children.js';
import type { JourneyCode, JourneyCommandOf } from './command.js';
import { changed, contextRefused, merged } from './context.js';
import type { Draft } from './draft.js';
import { admit, enterItem, prepare } from './enter.js';
import { judge } from './handoffs.js';
import { unpark } from './incident.js';
import { goOnWithItems } from './items.js';
import { complete, route, settle } from './leave.js';
import { bodyOf, isStep, outcomesAt } from './plan.js';
import { placeFor } from './place.js';
import { abandon } from './stop.js';
import { beginTouchpoint } from './touchpoints.js';
import { undoAgain, undone } from './undoing.js';
import type { Visit } from './visit.js';
import { askAgain, fallAsleep } from './waits.js';

type Answer = Refused<JourneyCode> | undefined;
interface At {
  readonly step: string;
  readonly visit?: number;
}

/** The parked visit, or why there is none. */
function parked(draft: Draft, { step, visit }: At): Visit | Refused<JourneyCode> {
  if (!isStep(draft.plan, step)) return refused('unknown_step', { step });
  const found = draft.state.visits.findLast((one) => one.step === step && one.visit === (visit ?? one.visit) && one.incident !== null);
  return found ?? refused('no_incident', { step });
}

const isRefused = (found: Visit | Refused<JourneyCode>): found is Refused<JourneyCode> => 'ok' in found;

/** Whether a step is the one whose work could not be undone. */
const cannotBeUndone = ({ state: { undoing, undoable } }: Draft, { step, visit }: At): boolean => {
  const last = undoable.at(-1);
  return undoing !== null && undoing.error !== null && last?.step === step && last.visit === (visit ?? last.visit);
};

/** The same step and visit, with a full budget; what came before it stays. */
export function retry(draft: Draft, order: JourneyCommandOf<'retry'>): Answer {
  draft.said = { version: draft.state.start.template.version };
  if (cannotBeUndone(draft, order)) {
    undoAgain(draft);
    return undefined;
  }
  const visit = parked(draft, order);
  if (isRefused(visit)) return visit;
  const isOutside = visit.incident?.isOutside === true;
  const { input = {} } = order;
  goOnWith(draft, { ...unpark(draft, visit, 'retry'), override: { ...visit.override, ...input } }, isOutside);
  return undefined;
}

/** From where it stopped: what it was doing is begun anew, unless the fault was not its own. */
function goOnWith(draft: Draft, visit: Visit, isOutside: boolean): void {
  switch (visit.phase) {
    case 'when':
      return admit(draft, visit);
    case 'prepare':
      return prepare(draft, visit);
    case 'work':
      return isOutside ? takeUp(draft, draft.put(visit)) : prepare(draft, visit);
    case 'settle':
      return settle(draft, visit);
    case 'route':
      return route(draft, visit);
  }
}

/** Takes up what was interrupted; what came meanwhile counts. */
function takeUp(draft: Draft, visit: Visit): void {
  const body = bodyOf(draft.plan, visit);
  const looking = awaited(draft.plan, visit).length > 0 ? draft.ask(visit, { to: 'lookBack' }) : visit;
  switch (body.kind) {
    case 'automated':
      return beginAttempts(draft, looking);
    case 'journey': {
      const { journey = null, held = null } = looking.child ?? {};
      if (held !== null) return childEnded(draft, looking, held);
      return journey === null ? beginAttempts(draft, looking) : undefined;
    }
    case 'touchpoint':
      return beginTouchpoint(draft, looking);
    case 'wait': {
      const isUnknown = typeof body.until === 'object' && looking.timers.elapseAt === undefined;
      askAgain(draft, isUnknown ? draft.ask(looking, { to: 'until' }) : looking);
      fallAsleep(draft, draft.visit(visit.key) ?? looking);
      return;
    }
    case 'approval':
      if (looking.gate === null) return beginApproval(draft, looking);
      missAgain(draft, looking);
      return rehash(draft, draft.visit(visit.key) ?? looking);
    case 'handoff': {
      const held = looking.handoff?.held ?? null;
      return held === null ? undefined : judge(draft, looking, held);
    }
    case 'parallel':
      return joinIfReady(draft, looking);
    case 'forEach':
      return goOnWithItems(draft, looking, (list, index, name) => enterItem(draft, list, index, name));
    default:
  }
}

/** As if the step had come out so by itself. */
export function completeWith(draft: Draft, order: JourneyCommandOf<'completeWith'>): Answer {
  if (cannotBeUndone(draft, order)) {
    undone(draft, 'operator');
    return undefined;
  }
  const visit = parked(draft, order);
  if (isRefused(visit)) return visit;
  const { outcome, output = {} } = order;
  const { certain, possible, open } = outcomesAt(draft.plan, visit.step, bodyOf(draft.plan, visit));
  const outcomes = [...new Set([...certain, ...possible])];
  if (!open && !outcomes.includes(outcome)) return refused('unknown_outcome', { outcomes });
  const paths = outputFaults(draft.plan, visit, output);
  if (paths.length > 0) return refused('output_invalid', { step: visit.step, paths });
  complete(draft, unpark(draft, visit, 'complete_with'), { cause: 'operator', outcome, output, fills: true });
  return undefined;
}

export function skip(draft: Draft, order: JourneyCommandOf<'skip'>): Answer {
  if (cannotBeUndone(draft, order)) return refused('not_skippable', { step: order.step });
  const visit = parked(draft, order);
  if (isRefused(visit)) return visit;
  const { skippable = false, skipOutput = {} } = bodyOf(draft.plan, visit);
  if (!skippable) return refused('not_skippable', { step: order.step });
  complete(draft, unpark(draft, visit, 'skip'), {
    state: 'skipped',
    cause: 'operator',
    output: skipOutput,
    fills: true,
    reason: 'operator',
  });
  return undefined;
}

/** Leaves the parked step for another one. */
export function goTo(draft: Draft, order: JourneyCommandOf<'goto'>): Answer {
  const visit = parked(draft, order);
  if (isRefused(visit)) return visit;
  const { to, context = {} } = order;
  if (!isStep(draft.plan, to)) return refused('unknown_step', { step: to });
  const place = placeFor(draft, visit, to);
  if (place === null) return refused('invalid_request', { field: 'to', rule: 'a step inside of a parallel block begins with the block' });
  const result = changed(draft.plan, draft.state.context, merged(draft.state.context, context), true);
  if (!result.ok) return contextRefused(result);
  draft.set({ context: result.context });
  draft.isChanged ||= result.names.length > 0;
  const event = visit.event;
  unpark(draft, visit, 'goto');
  draft.record('journey.modified', { from: visit.step, visit: visit.visit, to, changed: result.names });
  for (const key of [visit.key, ...place.left]) {
    const gone = draft.visit(key);
    if (gone !== undefined) abandon(draft, gone, 'cancelled');
  }
  draft.moves.push({ do: 'enter', step: to, parent: place.parent, branch: place.branch, event });
  return undefined;
}
