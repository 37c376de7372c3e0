/** A reaction under way: the journey as it becomes, what it did, and what it asks for. */
import type { Members } from '../../decision.js';
import type { Instant } from '../../time.js';
import type { JsonObject } from '../json.js';
import type { Effect } from './effect.js';
import { effectOf } from './effects.js';
import type { JourneyEvent, JourneyEventType } from './event.js';
import type { JourneyState, Past } from './journey.js';
import type { Plan } from './plan.js';
import type { VisitView } from './state.js';
import type { Ask, Ending, Visit, VisitKey } from './visit.js';

/** What is to be done next; one after another, so that no chain of steps is too long and nothing calls itself. */
export type Move =
  | {
      readonly do: 'enter';
      readonly step: string;
      readonly parent: VisitKey | null;
      readonly branch: number | null;
      readonly event: string | null;
    }
  | { readonly do: 'join'; readonly parent: VisitKey; readonly branch: number }
  | { readonly do: 'item'; readonly ended: Visit }
  | { readonly do: 'quit'; readonly list: VisitKey; readonly ending: Pick<Ending, 'state' | 'outcome' | 'cause' | 'reason' | 'to'> }
  | { readonly do: 'end'; readonly outcome: string; readonly result: 'won' | 'lost' | null };

/** An ask without the name and the instant it gets. */
export type Wish = Ask extends infer One ? (One extends Ask ? Omit<One, 'id' | 'at'> : never) : never;

export class Draft {
  readonly plan: Plan;
  readonly state: JourneyState;
  /** The instant it is: now, or when something was due. */
  at: Instant;
  readonly events: JourneyEvent[] = [];
  readonly moves: Move[] = [];
  said: Members = {};
  /** Variables, or what steps left behind, are not what they were. */
  isChanged = false;
  readonly #effects: Effect[] = [];
  readonly #touched = new Map<VisitKey, Visit>();
  readonly #shown: VisitView[] = [];

  constructor(plan: Plan, state: JourneyState, at: Instant) {
    this.plan = plan;
    this.state = { ...state };
    this.at = at;
  }

  set(patch: Partial<JourneyState>): void {
    // This draft's own copy; what is in it is replaced, never changed.
    Object.assign(this.state, patch);
  }

  record(type: JourneyEventType, data: JsonObject, at: Instant = this.at): void {
    const seq = this.state.version + 1;
    // What came due in a pause happens when it is over.
    const notBefore = Math.max(at, this.state.lastActivity);
    this.set({ version: seq, lastActivity: notBefore });
    this.events.push({ type, seq, at: notBefore, data });
  }

  /** Of a visit, with the step's name. */
  recordOf(
    { step, visit, item }: Pick<Visit, 'step' | 'visit' | 'item'>,
    type: JourneyEventType,
    data: JsonObject = {},
    at: Instant = this.at,
  ): void {
    this.record(type, { step, visit, ...(item === null ? {} : { item }), ...data }, at);
  }

  /** The visit as it is by now; undefined: it is gone. */
  visit(key: VisitKey): Visit | undefined {
    return this.state.visits.find((one) => one.key === key);
  }

  put(visit: Visit): Visit {
    const { visits } = this.state;
    const isNew = !visits.some(({ key }) => key === visit.key);
    this.set({ visits: isNew ? [...visits, visit] : visits.map((one) => (one.key === visit.key ? visit : one)) });
    this.#touched.set(visit.key, visit);
    return visit;
  }

  /** Takes a visit out; readers are told how it ended. */
  drop(visit: Visit): void {
    this.set({ visits: this.state.visits.filter(({ key }) => key !== visit.key) });
    this.#touched.set(visit.key, visit);
  }

  /** Has readers told of a visit that ended before. */
  show(visit: VisitView): void {
    this.#shown.push(visit);
  }

  past(step: string): Past {
    return this.state.past[step] ?? neverVisited;
  }

  remember(step: string, patch: Partial<Past>): void {
    this.set({ past: { ...this.state.past, [step]: { ...this.past(step), ...patch } } });
  }

  /** Asks on behalf of a visit; the answer comes under the name of the ask. */
  ask(visit: Visit, wish: Wish): Visit {
    const asked = visit.asked + 1;
    const ask: Ask = { ...wish, id: `${visit.key}/${wish.to}.${asked}`, at: this.at };
    const asking = this.put({ ...visit, asked, asks: [...visit.asks, ask] });
    this.want(effectOf(this.plan, this.state, asking, ask));
    return asking;
  }

  want(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** Whether a question is put in this very reaction. */
  isFresh(id: string): boolean {
    return this.#effects.some((effect) => effect.id === id);
  }

  /** Puts a fresh question again, over what is known by now. */
  renew(visit: Visit, ask: Ask): void {
    const effect = effectOf(this.plan, this.state, visit, ask);
    const index = this.#effects.findIndex(({ id }) => id === ask.id);
    if (index >= 0) this.#effects[index] = effect;
  }

  effects(): readonly Effect[] {
    return this.#effects;
  }

  touched(): readonly Visit[] {
    return Array.from(this.#touched.values());
  }

  shown(): readonly VisitView[] {
    return this.#shown;
  }
}

const neverVisited: Past = {
  visits: 0,
  firstAt: 0,
  state: 'open',
  outcome: null,
  output: null,
  wasCompleted: false,
  consumed: [],
  last: null,
  dropped: [],
};
