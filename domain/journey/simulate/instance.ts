/** One journey of a run: its state, and everything that was ever seen of it. */
import type { Refused } from '../../decision.js';
import type { Instant } from '../../time.js';
import type { EntryTemplate } from '../entry/enter.js';
import type { JourneyCode, JourneyCommand } from '../run/command.js';
import type { Report } from '../run/effect.js';
import type { Doer } from '../run/event.js';
import type { GateView, HandoffView, JourneyView } from '../run/record.js';
import { begin, command, gatesOf, nextDue, report, view, visitsOf, wake } from '../run/reduce.js';
import type { JourneyState, Reaction } from '../run/reduce.js';
import type { JourneyStart, VisitView } from '../run/state.js';
import type { Standing } from './run.js';

const keyOf = ({ step, visit, item = null }: { readonly step: string; readonly visit: number; readonly item?: string | null }): string =>
  JSON.stringify([step, visit, item]);

export class Instance {
  /** In order of start, from 1. */
  readonly number: number;
  readonly template: EntryTemplate;
  readonly start: JourneyStart;
  private state: JourneyState;
  private readonly visits = new Map<string, VisitView>();
  private readonly gates = new Map<string, GateView>();
  /** Answers to commands, by their id. */
  readonly answered = new Map<string, string | null>();

  private constructor(number: number, template: EntryTemplate, start: JourneyStart, state: JourneyState) {
    this.number = number;
    this.template = template;
    this.start = start;
    this.state = state;
  }

  static begin(
    { number, template, start }: Pick<Instance, 'number' | 'template' | 'start'>,
    doer: Doer,
    now: Instant,
  ): { readonly instance: Instance; readonly reaction: Reaction } {
    const reaction = begin(template.compiled, start, doer, now);
    const instance = new Instance(number, template, start, reaction.state);
    return { instance, reaction: instance.take(reaction) };
  }

  get id(): string {
    return this.start.journeyId;
  }

  command(order: JourneyCommand, now: Instant): Reaction | Refused<JourneyCode> {
    const answer = command(this.template.compiled, this.state, order, now);
    return answer.ok ? this.take(answer) : answer;
  }

  report(said: Report, now: Instant): Reaction {
    return this.take(report(this.template.compiled, this.state, said, now));
  }

  wake(now: Instant): Reaction {
    return this.take(wake(this.template.compiled, this.state, now));
  }

  nextDue(): Instant | null {
    return nextDue(this.template.compiled, this.state)?.at ?? null;
  }

  view(): JourneyView {
    return view(this.template.compiled, this.state);
  }

  isOver(): boolean {
    return this.state.end !== null;
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

  private take(reaction: Reaction): Reaction {
    this.state = reaction.state;
    const { compiled } = this.template;
    for (const visit of [...reaction.visits, ...visitsOf(compiled, reaction.state)]) this.visits.set(keyOf(visit), visit);
    for (const gate of [...reaction.gates, ...gatesOf(reaction.state)]) this.gates.set(keyOf(gate), gate);
    return reaction;
  }
}
