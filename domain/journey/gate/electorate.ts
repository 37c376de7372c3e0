/** Who may vote, and how many of them have to agree. Source: journeys.md, section 9; scripts.md, sections 2 and 3. */
import type { Person } from '../run/effect.js';
import type { People } from '../step.js';
import type { GateRules, GateState, Wanted } from './gate.js';

/** What decides who may vote: the people excluded, and the rungs that brought others. */
export type Seats = Pick<GateState, 'requester' | 'earlierVoters' | 'eligible' | 'joined'>;

/** The people of a rung; one that only reminds has none. */
const peopleOf = ({ escalation = [] }: GateRules, index: number): People => escalation[index]?.to ?? {};

/** The last of those rungs whose people took over; undefined: the approvers still decide. */
const takeover = ({ escalation = [] }: GateRules, joined: readonly number[]): number | undefined =>
  joined.findLast((index) => escalation[index]?.action === 'replace');

/** Whom the vote is open to by now: the approvers, or those who took their place, and those who were added. */
function asked(rules: GateRules, joined: readonly number[]): readonly People[] {
  const last = takeover(rules, joined);
  const rungs = joined.filter((index) => last === undefined || index >= last).map((index) => peopleOf(rules, index));
  return last === undefined ? [rules.approvers, ...rungs] : rungs;
}

/** The people to look up for what a vote asks for; several lists of expressions become one. */
export function whoIsWanted(rules: GateRules, { joined }: Pick<GateState, 'joined'>, wanted: Wanted): People {
  if (wanted !== 'dynamic') return peopleOf(rules, wanted);
  const all = asked(rules, joined);
  const expressions = all.flatMap(({ expr }) => expr ?? []);
  return {
    users: [...new Set(all.flatMap(({ users = [] }) => users))],
    roles: [...new Set(all.flatMap(({ roles = [] }) => roles))],
    ...(expressions.length === 0
      ? {}
      : { expr: expressions.length === 1 ? expressions.join('') : expressions.map((expr) => `(${expr})`).join(' + ') }),
  };
}

/** Never eligible here: who asked, and with four eyes who voted before. */
export const isExcluded = (
  rules: GateRules,
  { requester, earlierVoters }: Pick<Seats, 'requester' | 'earlierVoters'>,
  id: string,
): boolean => id === requester || (rules.fourEyes === true && earlierVoters.includes(id));

/** People as a vote keeps them: each once, none of those excluded, and of their roles those that matter. */
export function seated(rules: GateRules, seats: Pick<Seats, 'requester' | 'earlierVoters'>, people: readonly Person[]): readonly Person[] {
  const matter = new Set([
    ...(rules.approvers.roles ?? []),
    ...(rules.veto ?? []),
    ...(rules.escalation ?? []).flatMap(({ to }) => to?.roles ?? []),
  ]);
  const byId = new Map<string, Person>();
  for (const { id, roles } of people) {
    if (isExcluded(rules, seats, id)) continue;
    const all = [...(byId.get(id)?.roles ?? []), ...roles.filter((role) => matter.has(role))];
    byId.set(id, { id, roles: [...new Set(all)] });
  }
  return Array.from(byId.values());
}

/** Whether somebody with these roles is among those the vote is open to; of a list by expression only what was found is known. */
export const isAsked = (rules: GateRules, { joined, eligible }: Seats, { id, roles }: Person): boolean =>
  asked(rules, joined).some(
    ({ users = [], roles: wanted = [], expr }) =>
      users.includes(id) ||
      wanted.some((role) => roles.includes(role)) ||
      (expr !== undefined && eligible.some((person) => person.id === id)),
  );

/** People of whom a number has to agree. One person can be of several groups, and agrees in all of them. */
export interface Group {
  readonly members: readonly string[];
  readonly needed: number;
}

/** The groups of a vote: all of its people as one, or with `per_group` those of each role and the users named. */
export function groupsOf(rules: GateRules, seats: Seats): readonly Group[] {
  const { quorum } = rules;
  const members = seats.eligible.map(({ id }) => id);
  if (typeof quorum === 'object' && 'per_group' in quorum) {
    const needed = quorum.per_group;
    // People who were added count where they belong; only those who took over bring groups of their own.
    const last = takeover(rules, seats.joined);
    const { roles = [], users = [] } = last === undefined ? rules.approvers : peopleOf(rules, last);
    const named = users.length === 0 ? [] : [members.filter((id) => users.includes(id))];
    const byRole = roles.map((role) => seats.eligible.filter((person) => person.roles.includes(role)).map(({ id }) => id));
    const groups = [...byRole, ...named].map((group) => ({ members: group, needed }));
    return groups.length === 0 ? [{ members, needed }] : groups;
  }
  return [{ members, needed: neededOf(quorum, members.length) }];
}

/** Nobody at all can approve nothing: at least one vote is needed. */
function neededOf(quorum: Exclude<GateRules['quorum'], { readonly per_group: number }>, eligible: number): number {
  if (quorum === 'any') return 1;
  if (quorum === 'all') return Math.max(1, eligible);
  return 'count' in quorum ? quorum.count : Math.max(1, Math.ceil((quorum.percent * eligible) / 100));
}

export const requiredOf = (groups: readonly Group[]): number => groups.reduce((sum, { needed }) => sum + needed, 0);
