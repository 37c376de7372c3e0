/** A handoff from crm to field-ops that somebody accepts; a test changes the one thing it is about. */
import type { Refused } from '../../../domain/decision.js';
import type { HandoffCommand, HandoffCommandFields, HandoffEnvelope, HandoffVerb, HandoffWord } from '../../../domain/handoff/command.js';
import type { HandoffAnswer, HandoffLedger, HandoffStep } from '../../../domain/handoff/ledger.js';
import { nextDue, open, report, tell, wake } from '../../../domain/handoff/machine.js';
import { command } from '../../../domain/handoff/verbs.js';
import type { Effect, HandoffRules, HandoffStart, Person } from '../../../domain/journey/run/effect.js';
import { noon } from '../../support/builders.js';

export const minute = 60_000;
export const hour = 60 * minute;

export const someRules = (changes: Partial<HandoffRules> = {}): HandoffRules => ({
  from: 'crm',
  to: 'field-ops',
  mode: 'accept',
  acceptWithin: 4 * hour,
  completeWithin: 24 * hour,
  onTimeout: 'incident',
  ...changes,
});

export const gate: NonNullable<HandoffRules['approval']> = {
  approvers: { roles: ['admin'] },
  quorum: 'any',
  within: 8 * hour,
  onTimeout: 'incident',
};
export const approved = (changes: Partial<HandoffRules> = {}, votes: Partial<typeof gate> = {}): HandoffRules =>
  someRules({ mode: 'approve', approval: { ...gate, ...votes }, ...changes });

const aStart = (rules: HandoffRules, changes: Partial<HandoffStart> = {}): HandoffStart => ({
  journeyId: 'JRN-1',
  tenant: 't1',
  step: 'install',
  visit: 1,
  extra: false,
  rules,
  data: {},
  requester: 'req',
  earlierVoters: [],
  ...changes,
});

const admins: readonly Person[] = [
  { id: 'ada', roles: ['admin'] },
  { id: 'abe', roles: ['admin'] },
];

/** A handoff as it lives: what it asks for is answered by a test, and all it says is kept. */
export class Run {
  now = noon;
  state: HandoffLedger;
  readonly effects: Effect[] = [];
  readonly events: HandoffStep['events'][number][] = [];
  readonly reports: HandoffStep['reports'][number][] = [];

  constructor(rules: HandoffRules, changes: Partial<HandoffStart> = {}) {
    const first = open(aStart(rules, changes), noon);
    this.state = first.state;
    this.keep(first);
  }

  keep(step: HandoffStep): HandoffStep {
    this.state = step.state;
    this.effects.push(...step.effects);
    this.events.push(...step.events);
    this.reports.push(...step.reports);
    return step;
  }

  /** Lets the time pass, with all that is due meanwhile. */
  after(ms: number): this {
    const until = this.now + ms;
    for (let due = nextDue(this.state); due !== null && due <= until; due = nextDue(this.state)) {
      this.now = Math.max(this.now, due);
      this.keep(wake(this.state, this.now));
    }
    this.now = until;
    return this;
  }

  try<Verb extends HandoffVerb>(
    kind: Verb,
    by: string,
    fields: Partial<HandoffCommandFields[Verb]> & Partial<HandoffEnvelope> = {},
  ): HandoffAnswer {
    const order = { kind, commandId: 'c1', actor: `user/${by}`, role: 'agent', source: 'api', ...fields };
    // Verb and fields belong together by the signature.
    return command(this.state, order as unknown as HandoffCommand, this.now);
  }

  do<Verb extends HandoffVerb>(kind: Verb, by: string, fields: Partial<HandoffCommandFields[Verb]> & Partial<HandoffEnvelope> = {}): this {
    const answer = this.try(kind, by, fields);
    if (!answer.ok) throw new Error(`refused: ${answer.code}`);
    this.keep(answer);
    return this;
  }

  refusal<Verb extends HandoffVerb>(
    kind: Verb,
    by: string,
    fields: Partial<HandoffCommandFields[Verb]> & Partial<HandoffEnvelope> = {},
  ): Refused {
    const answer = this.try(kind, by, fields);
    if (answer.ok) throw new Error('was taken');
    return answer;
  }

  tell(word: HandoffWord): this {
    this.keep(tell(this.state, word, this.now));
    return this;
  }

  /** The last wish of a kind. */
  wish<Kind extends Effect['kind']>(kind: Kind): Effect & { readonly kind: Kind } {
    const found = this.effects.findLast((effect): effect is Effect & { readonly kind: Kind } => effect.kind === kind);
    if (found === undefined) throw new Error(`no ${kind} was asked for`);
    return found;
  }

  people(people: readonly Person[] = admins): this {
    this.keep(report(this.state, { kind: 'people', effect: this.wish('people').id, people, fault: null }, this.now));
    return this;
  }

  hash(hash: string): this {
    this.keep(report(this.state, { kind: 'hash', effect: this.wish('hash').id, hash }, this.now));
    return this;
  }

  fail(error = 'Unavailable', more: { retryable?: boolean; unknown?: boolean } = {}): this {
    const effect = this.wish('action').id;
    this.keep(report(this.state, { kind: 'failed', effect, error, retryable: true, ...more }, this.now));
    return this;
  }

  done(output = {}): this {
    this.keep(report(this.state, { kind: 'done', effect: this.wish('action').id, output }, this.now));
    return this;
  }

  get types(): readonly string[] {
    return this.events.map(({ type }) => type.replace('handoff.', ''));
  }
  get last(): HandoffStep['reports'][number] {
    const found = this.reports.at(-1);
    if (found === undefined) throw new Error('nothing was reported');
    return found;
  }
}
