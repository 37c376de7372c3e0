/** One reaction of a handoff in the making: the parts of it change the ledger in turn, and say what they did. Lives no longer than the reaction. */
import type { GuardData } from '../journey/expression.js';
import { handoffAction } from '../journey/action.js';
import { whoIsWanted } from '../journey/gate/electorate.js';
import { isObject, memberAt } from '../journey/json.js';
import type { Json, JsonObject } from '../journey/json.js';
import { namesOf } from '../journey/path.js';
import type { Effect, EffectOf, HandoffReport, HandoffState } from '../journey/run/effect.js';
import type { Gate } from '../journey/step.js';
import type { Instant } from '../time.js';
import type { HandoffEvent, HandoffEventType } from './event.js';
import { dueOf, handoffIdOf } from './ledger.js';
import type { Ask, HandoffLedger, HandoffStep, Question } from './ledger.js';

export class Draft {
  ledger: HandoffLedger;
  readonly now: Instant;
  private readonly effects: Effect[] = [];
  private readonly events: HandoffEvent[] = [];
  private readonly reports: HandoffReport[] = [];

  constructor(ledger: HandoffLedger, now: Instant) {
    this.ledger = ledger;
    this.now = now;
  }

  get rules(): HandoffLedger['start']['rules'] {
    return this.ledger.start.rules;
  }

  change(fields: Partial<HandoffLedger>): void {
    this.ledger = { ...this.ledger, ...fields };
  }

  /** An event is never older than the one before it, however late its cause is found. */
  emit(type: HandoffEventType, data: JsonObject = {}, at: Instant = this.now): void {
    const { version, lastAt } = this.ledger;
    const event = { type, seq: version + 1, at: Math.max(at, lastAt), data };
    this.events.push(event);
    this.change({ version: event.seq, lastAt: event.at });
  }

  /** Goes to another state, and tells the log and the journey. */
  move(
    state: HandoffState,
    type: HandoffEventType,
    data: JsonObject = {},
    told: Partial<HandoffReport> = {},
    at: Instant = this.now,
  ): void {
    this.change({ state });
    this.emit(type, data, at);
    this.tell(told);
  }

  tell(told: Partial<HandoffReport> = {}): void {
    const { start, state, owner, reported, attempts, gate } = this.ledger;
    const seq = reported + 1;
    this.change({ reported: seq });
    const voters = gate === null || gate.outcome === null ? {} : { voters: [...new Set(gate.votes.map(({ by }) => by))] };
    this.reports.push({ handoff: handoffIdOf(start), seq, state, owner, dueAt: dueOf(this.ledger), attempts, ...voters, ...told });
  }

  /** Puts a question, under a name of its own. */
  ask(question: Question): void {
    const asked = this.ledger.asked + 1;
    const ask: Ask = { ...question, id: `${question.to}/${asked}` };
    this.change({ asked, asks: [...this.ledger.asks, ask] });
    this.effects.push(effectOf(this.ledger, ask));
  }

  /** Takes back questions; an attempt under way is told so. */
  forget(isMeant: (ask: Ask) => boolean): void {
    for (const ask of this.ledger.asks) {
      if (isMeant(ask) && ask.to === 'acceptance') this.effects.push({ kind: 'dropAction', id: `drop/${ask.id}`, action: ask.id });
    }
    this.change({ asks: this.ledger.asks.filter((ask) => !isMeant(ask)) });
  }

  step(): HandoffStep {
    // A question that was put and taken back in one reaction is none.
    const open = new Set(this.ledger.asks.map(({ id }) => id));
    const begun = new Set(this.effects.flatMap((effect) => (effect.kind === 'dropAction' ? [] : [effect.id])));
    const effects = this.effects.filter((effect) => (effect.kind === 'dropAction' ? !begun.has(effect.action) : open.has(effect.id)));
    return { ok: true, state: this.ledger, effects, events: this.events, reports: this.reports };
  }
}

/** The wish behind a question. */
export function effectOf(ledger: HandoffLedger, ask: Ask): Effect {
  const { start, data } = ledger;
  const { rules, journeyId, step, visit, item = null } = start;
  const { from, to, assign = {} } = rules;
  const { approvers } = gateRules(ledger);
  const joined = ledger.gate?.joined ?? [];
  const people = (who: EffectOf<'people'>['who']): Effect => ({ kind: 'people', id: ask.id, who, data: guardData(ledger) });
  switch (ask.to) {
    case 'approvers':
      return people(approvers);
    case 'rung':
      return people(whoIsWanted(gateRules(ledger), { joined }, ask.rung));
    case 'electorate':
      return people(whoIsWanted(gateRules(ledger), { joined }, 'dynamic'));
    case 'assignees':
      return people(assign);
    case 'hash':
      return { kind: 'hash', id: ask.id, value: evidenceOf(ledger) };
    case 'acceptance': {
      const input = { handoffId: handoffIdOf(start), journeyId, stepId: step, from, to, data };
      const { attempt, timeoutMs } = ask;
      return { kind: 'action', id: ask.id, step, visit, item, attempt, action: handoffAction(to), input, timeoutMs, recipient: to };
    }
  }
}

/** The gate's rules; a handoff to be approved by nobody in particular can be approved by nobody. */
export const gateRules = ({ start }: Pick<HandoffLedger, 'start'>): Gate<number> =>
  start.rules.approval ?? { approvers: {}, quorum: 'any' };

/** What expressions of the handoff see. */
function guardData({ start, known, data }: HandoffLedger): GuardData {
  return {
    ...known,
    // What was sent along stands in for variables; where the journey has one of that name, it is meant.
    context: { ...data, ...membersOf(known['context']) },
    journey: { ...membersOf(known['journey']), id: start.journeyId, requester: start.requester },
  };
}

const membersOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});

/** What is voted on: the value at each path, null where nothing is. */
export function evidenceOf(ledger: HandoffLedger): JsonObject {
  const data = guardData(ledger);
  const { evidence = [] } = gateRules(ledger);
  return Object.fromEntries(evidence.map((path) => [path, namesOf(path).reduce<Json | undefined>(memberAt, data) ?? null]));
}
