/** Hands each report to whoever asked. What nobody awaits changes nothing. */
import { approversFound, evidenceHashed, lookAgain, peopleCame, rehashed } from './approvals.js';
import { attemptFailed, noteLate } from './attempting.js';
import { childEnded, childStarted } from './children.js';
import { found, hear, looked, weighed } from './correlate.js';
import type { Draft } from './draft.js';
import type { HandoffReport, Report, ReportFields, ReportKind } from './effect.js';
import { admitted, start } from './enter.js';
import { exitsAnswered } from './exits.js';
import { extraTold } from './extras.js';
import { handoffTold } from './handoffs.js';
import { complete, routed, store } from './leave.js';
import { publicId } from './names.js';
import { openTimeKnown } from './sla.js';
import { assigneesFound } from './tasks.js';
import { quietKnown } from './touchpoints.js';
import { undoFailed, undone } from './undoing.js';
import type { Ask, Visit } from './visit.js';
import { conditionAnswered, untilKnown } from './waits.js';

type Said<Kind extends ReportKind> = { readonly kind: Kind } & ReportFields[Kind];

/** Facts wait until a pause is over. */
export function hold(draft: Draft, said: Report): void {
  const { paused } = draft.state;
  if (paused === null) return;
  const isKnown = said.kind === 'event' && paused.facts.some((fact) => fact.kind === 'event' && fact.event.id === said.event.id);
  if (!isKnown) draft.set({ paused: { ...paused, facts: [...paused.facts, said] } });
}

export function take(draft: Draft, said: Report): void {
  switch (said.kind) {
    case 'event':
      return hear(draft, said.event);
    case 'handoff':
      return handoffReported(draft, said.report);
    case 'directory':
      for (const { key } of draft.state.visits) {
        const visit = draft.visit(key);
        if (visit !== undefined && visit.phase === 'work' && visit.incident === null) lookAgain(draft, visit);
      }
      return;
    case 'childEnded': {
      const visit = draft.state.visits.find(({ child, asked, key }) => child !== null && isOf(said.effect, key, asked));
      const { outcome, result } = said;
      return visit === undefined ? undefined : childEnded(draft, { ...visit, asks: without(visit, 'child') }, { outcome, result });
    }
    default:
      return answered(draft, said);
  }
}

/** `<key>/child.3`, where the visit has asked three times. */
const isOf = (effect: string, key: string, asked: number): boolean => effect.startsWith(`${key}/child.`) && asked > 0;
const without = ({ asks }: Visit, to: Ask['to']): readonly Ask[] => asks.filter((ask) => ask.to !== to);

type Answer = Exclude<Report, { readonly kind: 'event' | 'handoff' | 'directory' | 'childEnded' }>;

function answered(draft: Draft, said: Answer): void {
  const { effect } = said;
  const { exits, weighing, undoing, held } = draft.state;
  if (said.kind === 'weighed' && weighing?.id === effect) return weighed(draft, said);
  if (said.kind === 'guards' && exits.ask?.id === effect) return exitsAnswered(draft, said.choice);
  if (undoing?.ask?.id === effect) return undoAnswered(draft, said);
  if (held.some(({ id }) => id === effect)) return draft.set({ held: held.filter(({ id }) => id !== effect) });
  const before = draft.state.visits.find(({ asks }) => asks.some(({ id }) => id === effect));
  const ask = before?.asks.find(({ id }) => id === effect);
  if (before === undefined || ask === undefined) return strayed(draft, said);
  const visit = draft.put({ ...before, asks: before.asks.filter(({ id }) => id !== effect) });
  switch (said.kind) {
    case 'guards':
      return guardsAnswered(draft, visit, ask, said);
    case 'values':
      return ask.to === 'prepare' ? start(draft, visit, said.values) : store(draft, visit, said.values);
    case 'people':
      return peopleFound(draft, visit, ask, said);
    case 'hash':
      return ask.to === 'hash' ? evidenceHashed(draft, visit, said.hash) : rehashed(draft, visit, said.hash);
    case 'instant':
      return ask.to === 'quiet' ? quietKnown(draft, visit, said.at) : untilKnown(draft, visit, said.at);
    case 'instants':
      return openTimeKnown(draft, visit, said.at);
    case 'weighed':
      return ask.to === 'look' ? looked(draft, visit, ask, said) : undefined;
    case 'found':
      return found(draft, visit, said.events);
    case 'done':
      return workDone(draft, visit, ask, said);
    case 'failed':
      if (ask.to === 'touchpoint') return complete(draft, visit, { cause: 'action', outcome: 'failed', reason: said.error });
      return attemptFailed(draft, visit, said);
    case 'childStarted':
      return childStarted(draft, visit, said);
  }
}

function guardsAnswered(draft: Draft, visit: Visit, ask: Ask, { choice }: Said<'guards'>): void {
  if (ask.to === 'when') admitted(draft, visit, choice);
  else if (ask.to === 'route') routed(draft, visit, choice);
  else conditionAnswered(draft, visit, choice);
}

function peopleFound(draft: Draft, visit: Visit, ask: Ask, said: Said<'people'>): void {
  if (ask.to === 'assignees') assigneesFound(draft, visit, said);
  else if (ask.to === 'wanted') peopleCame(draft, visit, ask, said);
  else approversFound(draft, visit, said);
}

function workDone(draft: Draft, visit: Visit, ask: Ask, { output, outcome }: Said<'done'>): void {
  const isMessage = ask.to === 'touchpoint';
  complete(draft, visit, { cause: 'action', outcome: isMessage ? (outcome ?? 'sent') : 'completed', output });
}

function undoAnswered(draft: Draft, said: Answer): void {
  if (said.kind === 'done') undone(draft, 'action');
  else if (said.kind === 'failed') undoFailed(draft, said);
}

/** Nobody asked, or not any more. */
function strayed(draft: Draft, said: Answer): void {
  if (said.kind === 'done' || said.kind === 'failed') return noteLate(draft, said);
  if (said.kind !== 'childStarted' || said.joined === true) return;
  // It was called off before it was known that it had begun.
  const isKnown = draft.state.visits.some(({ child }) => child?.journey === said.journey);
  if (!isKnown) draft.want({ kind: 'cancelChild', id: `${said.effect}/cancel`, journey: said.journey });
}

function handoffReported(draft: Draft, report: HandoffReport): void {
  const { start: journey, visits } = draft.state;
  const visit = visits.find(({ key, handoff }) => handoff !== null && publicId(journey.journeyId, key) === report.handoff);
  if (visit === undefined) extraTold(draft, report);
  else handoffTold(draft, visit, report);
}
