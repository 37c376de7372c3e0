/** A journey of a run as whoever stages it sees it, wherever its rules are kept: here, or in a workflow. */
import type { EntryTemplate } from '../entry/enter.js';
import type { GateView, HandoffView, JourneyView } from '../run/record.js';
import type { JourneyStart, VisitView } from '../run/state.js';
import type { Standing } from './run.js';

const keyOf = ({ step, visit, item = null }: { readonly step: string; readonly visit: number; readonly item?: string | null }): string =>
  JSON.stringify([step, visit, item]);

export abstract class Performer {
  /** In order of start, from 1. */
  readonly number: number;
  readonly template: EntryTemplate;
  readonly start: JourneyStart;
  /** Answers to commands, by their id. */
  readonly answered = new Map<string, string | null>();
  private readonly visits = new Map<string, VisitView>();
  private readonly gates = new Map<string, GateView>();

  constructor(number: number, template: EntryTemplate, start: JourneyStart) {
    this.number = number;
    this.template = template;
    this.start = start;
  }

  abstract view(): JourneyView;

  abstract isOver(): boolean;

  get id(): string {
    return this.start.journeyId;
  }

  /** The newest visit of a step; of a list the item's, where one is named. */
  visit(step: string, item?: string): VisitView | undefined {
    const all = Array.from(this.visits.values()).filter((one) => one.step === step && (item === undefined || one.item === item));
    const newest = Math.max(...all.map(({ visit }) => visit));
    const found = all.filter(({ visit }) => visit === newest);
    return found.find(({ state }) => state === 'open' || state === 'incident') ?? found.find((one) => one.item === null) ?? found.at(-1);
  }

  /** The step that was parked last. */
  parked(): VisitView | undefined {
    return Array.from(this.visits.values()).findLast(({ state }) => state === 'incident');
  }

  standing(handoffs: readonly HandoffView[], gates: Standing['gates']): Standing {
    const own = Array.from(this.gates.values(), ({ step, visit, gate }) => ({ step, visit, gate }));
    return { view: this.view(), visits: Array.from(this.visits.values()), gates: [...own, ...gates], handoffs };
  }

  /** Keeps what was seen of visits and votes: everything that ever was, as it was last. */
  protected keep(visits: readonly VisitView[], gates: readonly GateView[]): void {
    for (const visit of visits) this.visits.set(keyOf(visit), visit);
    for (const gate of gates) this.gates.set(keyOf(gate), gate);
  }
}

/** A handoff of a run, likewise. */
export interface PerformedHandoff {
  readonly instance: Performer;
  view(): HandoffView;
  gates(): Standing['gates'];
}
