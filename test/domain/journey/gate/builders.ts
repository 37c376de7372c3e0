/** A vote of three people of whom two are needed; a test changes the one thing it is about. */
import type { Refused } from '../../../../domain/decision.js';
import { asContentId } from '../../../../domain/ids.js';
import { delegate } from '../../../../domain/journey/gate/delegation.js';
import type { Delegating } from '../../../../domain/journey/gate/delegation.js';
import type { GateAnswer, GateRules, GateState, GateStep } from '../../../../domain/journey/gate/gate.js';
import { openGate } from '../../../../domain/journey/gate/round.js';
import type { Opening } from '../../../../domain/journey/gate/round.js';
import { vote } from '../../../../domain/journey/gate/vote.js';
import type { Voting } from '../../../../domain/journey/gate/vote.js';
import { noon, uuid } from '../../../support/builders.js';

export const hour = 3_600_000;
export const said = asContentId(uuid(0x300));

export const people = (...ids: string[]) => ids.map((id) => ({ id, roles: ['legal'] }));

export const someRules = (changes: Partial<GateRules> = {}): GateRules => ({
  approvers: { roles: ['legal'] },
  quorum: { count: 2 },
  within: 24 * hour,
  onTimeout: 'incident',
  ...changes,
});

export const opening = (changes: Partial<Opening> = {}): Opening => ({
  requester: null,
  earlierVoters: [],
  people: people('ann', 'bea', 'cid'),
  evidenceHash: null,
  now: noon,
  ...changes,
});

export const opened = (rules: GateRules, changes: Partial<Opening> = {}): GateState => openGate(rules, opening(changes)).gate;

export const cast = (rules: GateRules, gate: GateState, by: string, changes: Partial<Voting> = {}): GateAnswer =>
  vote(rules, gate, { by, roles: ['legal'], decision: 'approve', comment: said, onBehalfOf: null, now: noon + hour, ...changes });

export const pass = (rules: GateRules, gate: GateState, by: string, to: string, changes: Partial<Delegating> = {}): GateAnswer =>
  delegate(rules, gate, { by, to, toRoles: [], until: null, now: noon + hour, ...changes });

export function taken(answer: GateAnswer): GateStep {
  if (!answer.ok) throw new Error(`refused: ${answer.code}`);
  return answer;
}

export const gateAfter = (answer: GateAnswer): GateState => taken(answer).gate;

export function refusal(answer: GateAnswer): Refused {
  if (answer.ok) throw new Error('was taken');
  return answer;
}

/** Votes of several people, in order: `ann+`, `bea-`. */
export const votes = (rules: GateRules, start: GateState, ...given: string[]): GateState =>
  given.reduce((gate, text) => {
    const decision = text.endsWith('+') ? 'approve' : 'reject';
    return gateAfter(cast(rules, gate, text.slice(0, -1), { decision }));
  }, start);
