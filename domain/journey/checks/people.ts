/** Who decides and who takes over: J039, J050 to J055. */
import { found } from '../diagnostic.js';
import type { Diagnostic } from '../diagnostic.js';
import { durationMs, inWords } from '../duration.js';
import { isHuman } from '../outcomes.js';
import { pathOf } from '../path.js';
import type { Gate, People } from '../step.js';
import type { Case } from './case.js';

/** J039. */
export const unassignedSteps = ({ bodies, isLost }: Case): Diagnostic[] =>
  bodies.flatMap(({ id, body, at }) =>
    body.kind === 'manual' && isEmpty(body.assign) && !isLost(at('assign'))
      ? [found('J039', at(), `\`${id}\` goes to the default team`)]
      : [],
  );

const isEmpty = ({ users = [], roles = [], expr }: People = {}): boolean => users.length === 0 && roles.length === 0 && expr === undefined;

/** A vote, wherever it stands. */
interface GatePlace {
  readonly id: string;
  readonly gate: Gate;
  readonly at: (...segments: readonly (string | number)[]) => string;
}

const gatesOf = ({ bodies }: Case): GatePlace[] =>
  bodies.flatMap(({ id, body, at }): GatePlace[] => {
    if (body.kind === 'approval') return [{ id, gate: body, at }];
    if (body.kind !== 'handoff' || body.mode !== 'approve' || body.approval === undefined) return [];
    return [{ id, gate: body.approval, at: (...segments) => at('approval', ...segments) }];
  });

/** J050 to J052. */
export const impossibleVotes = (scene: Case): Diagnostic[] =>
  gatesOf(scene).flatMap(({ gate, at }) => {
    const { approvers, quorum } = gate;
    const range = rangeProblem(quorum);
    if (range !== null) return [found('J051', at('quorum'), range)];
    const lack = lackOf(approvers, quorum, scene);
    if (lack !== null) return [found('J050', at('quorum'), lack)];
    return isRequesterAlone(approvers, scene)
      ? [found('J052', at('approvers'), 'separation of duties leaves no eligible approver: the requester is the only one')]
      : [];
  });

function rangeProblem(quorum: Gate['quorum']): string | null {
  if (typeof quorum === 'string') return null;
  if ('percent' in quorum) return quorum.percent < 1 || quorum.percent > 100 ? `percent must be 1–100 (got ${quorum.percent})` : null;
  const [name, count] = 'count' in quorum ? (['count', quorum.count] as const) : (['per_group', quorum.per_group] as const);
  return count < 1 ? `${name} must be at least 1 (got ${count})` : null;
}

/** Why a quorum can never be reached, as far as the approvers are named. */
function lackOf(approvers: People, quorum: Gate['quorum'], { known: { roles: known } }: Case): string | null {
  const { roles = [], expr } = approvers;
  const users = new Set(approvers.users).size;
  const live = known === null ? roles : roles.filter((role) => known.has(role));
  if (users === 0 && live.length === 0 && expr === undefined) {
    return roles.length === 0 ? 'nobody is named as approver' : `nobody has the role ${roles.map((role) => `\`${role}\``).join(', ')}`;
  }
  if (typeof quorum === 'string' || 'percent' in quorum) return null;
  if ('per_group' in quorum) {
    return users > 0 && quorum.per_group > users
      ? `needs ${quorum.per_group} approvals of each group but names ${users} of its users`
      : null;
  }
  return live.length === 0 && expr === undefined && quorum.count > users
    ? `needs ${quorum.count} approvals but names ${users} approvers`
    : null;
}

/** The requester by name: as an expression that reads nobody else, or as a user called so. */
function isRequesterAlone({ users = [], roles = [], expr }: People, { report }: Case): boolean {
  if (roles.length > 0 || !users.every((user) => user === requester)) return false;
  if (expr === undefined) return true;
  const { reads, literals, problems } = report(expr, 'people', true);
  return problems.length === 0 && literals.length === 0 && reads.length > 0 && reads.every(({ path }) => pathOf(path) === requester);
}
const requester = 'journey.requester';

/** J053. */
export const openDeadlines = (scene: Case): Diagnostic[] => [
  ...gatesOf(scene).flatMap(({ id, gate, at }) =>
    lacking(id, at(), [
      ['within', gate.within],
      ['onTimeout', gate.onTimeout],
    ]),
  ),
  ...scene.bodies.flatMap(({ id, body, at }) =>
    body.kind === 'handoff' && isHuman(body)
      ? lacking(id, at(), [
          ['acceptWithin', body.acceptWithin],
          ['onTimeout', body.onTimeout],
        ])
      : [],
  ),
];

function lacking(id: string, path: string, fields: readonly (readonly [string, string | undefined])[]): Diagnostic[] {
  const names = fields.flatMap(([name, value]) => (value === undefined ? [`\`${name}\``] : []));
  return names.length === 0 ? [] : [found('J053', path, `\`${id}\` has no ${names.join(' and no ')}`)];
}

/** J054. */
export const wrongLadders = (scene: Case): Diagnostic[] =>
  gatesOf(scene).flatMap(({ gate, at }) => {
    const deadline = durationMs(gate.within ?? '');
    const times = (gate.escalation ?? []).map(({ after }) => durationMs(after));
    return times.flatMap((time, index) => {
      const before = times[index - 1];
      const say = (message: string): Diagnostic[] => [found('J054', at('escalation', index, 'after'), message)];
      if (time === null) return [];
      if (before !== undefined && before !== null && time <= before) {
        return say(`escalation ${index + 1} (${inWords(time)}) is not later than escalation ${index} (${inWords(before)})`);
      }
      return deadline !== null && time > deadline
        ? say(`escalation ${index + 1} (${inWords(time)}) is past the deadline (${inWords(deadline)})`)
        : [];
    });
  });

/** J055. */
export const wrongHandoffs = ({ bodies, known: { packages } }: Case): Diagnostic[] =>
  bodies.flatMap(({ body, at }) => {
    if (body.kind !== 'handoff') return [];
    const unknown = (['from', 'to'] as const).flatMap((side) =>
      packages.includes(body[side])
        ? []
        : [found('J055', at(side), `\`${body[side]}\` is not a package; known are ${packages.join(', ')}`)],
    );
    return body.from === body.to ? [found('J055', at('to'), `\`${body.from}\` to \`${body.to}\` is not a handoff`)] : unknown;
  });
