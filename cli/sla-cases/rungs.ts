/** The ladder of a scenario: the rungs of a policy, with less to write. */
import { z } from 'zod';
import { asAgentId, asTeamId } from '../../domain/ids.js';
import { noticeChannels } from '../../domain/sla/policy.js';
import type { Rung, RungAction, RungTime } from '../../domain/sla/policy.js';
import { escalationTargets } from '../../domain/ticket/escalation.js';
import type { EscalationTarget } from '../../domain/ticket/escalation.js';
import { priorities } from '../../domain/ticket/status.js';
import { chosen } from '../../domain/choice/schema.js';
import { Kind, Name, oneOf, Positive, Truth, within } from './values.js';

const whenRule = 'must be at_breach, {percent: 1–100}, {before: seconds} or {after: seconds}';
const moments = {
  percent: z.strictObject({ percent: within(1, 100) }),
  before: z.strictObject({ before: Positive }),
  after: z.strictObject({ after: Positive }),
};
const When = chosen<RungTime>((value) => {
  if (value === 'at_breach') return z.literal('at_breach');
  const named =
    typeof value === 'object' && value !== null ? (['percent', 'before', 'after'] as const).find((key) => key in value) : undefined;
  return named === undefined ? { rule: whenRule } : moments[named];
});

/** Nobody is looked up in a scenario: any text will do. */
const To = z
  .strictObject({ kind: oneOf(escalationTargets), id: z.exactOptional(Name) })
  .transform(({ kind, id }): EscalationTarget =>
    id === undefined ? { kind } : { kind, id: kind === 'team' ? asTeamId(id) : asAgentId(id) },
  );

const Reassign = z
  .strictObject({ team: z.exactOptional(Name), skills: z.exactOptional(z.array(Name)) })
  .transform(({ team }) => (team === undefined ? {} : { team: asTeamId(team) }));

const actions = {
  notify: z.strictObject({ notify: z.strictObject({ to: z.array(Name), channel: oneOf(noticeChannels) }) }),
  reassign: z.strictObject({ reassign: Reassign }),
  raise_priority: z.strictObject({ raise_priority: z.strictObject({ to: oneOf(priorities), retarget: z.exactOptional(Truth) }) }),
  open_escalation: z.strictObject({ open_escalation: z.strictObject({ to: To, ackWithin: Positive }) }),
} satisfies Record<string, z.ZodType<RungAction>>;
const actionKinds = ['notify', 'reassign', 'raise_priority', 'open_escalation'] as const;

const Action = chosen<RungAction>((value) => {
  const kind = typeof value === 'object' && value !== null ? actionKinds.find((key) => key in value) : undefined;
  return kind === undefined ? { rule: `must be a map with one of ${actionKinds.join(', ')}` } : actions[kind];
});

/** `ackWithin` is short for opening an escalation that must be acknowledged within so many open seconds. */
const RungOfScenario = z
  .strictObject({
    id: Name,
    clock: Kind,
    when: When,
    level: z.exactOptional(within(1, 9)),
    priorities: z.exactOptional(z.array(oneOf(priorities), { error: 'must be a list of priorities' })),
    whilePaused: z.exactOptional(Truth),
    ackWithin: z.exactOptional(Positive),
    actions: z.array(Action, { error: 'must be a list of actions' }).default([]),
  })
  .transform(({ ackWithin, ...rung }): Rung =>
    ackWithin === undefined ? rung : { ...rung, actions: [...rung.actions, { open_escalation: { to: { kind: 'lead' }, ackWithin } }] },
  );

export const Rungs = z.array(RungOfScenario, { error: 'must be a list of rungs' }).superRefine((rungs, context) => {
  for (const [index, { id }] of rungs.entries()) {
    if (rungs.findIndex((rung) => rung.id === id) < index) {
      context.addIssue({ code: 'custom', path: [index, 'id'], message: 'is used twice in this ladder' });
    }
  }
});
