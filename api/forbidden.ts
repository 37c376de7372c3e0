/** What a caller is told whose role does not allow what was asked: in the words of what was asked. Source: security.md, section 2. */
import { Refusal } from './errors.js';

/** What may be one's own where the role alone does not allow it, by the area of the permission. */
const own: Readonly<Record<string, string>> = {
  ticket: 'tickets assigned to you',
  message: 'tickets assigned to you or your team',
  escalation: 'escalations that ask you',
  journey: 'journeys whose open step asks you, and there that step',
  handoff: 'handoffs that ask you',
  approval: 'approvals that ask you',
};

/** The refusal of a permission that is missing. */
export function forbidden(permission: string): Refusal {
  const [area = ''] = permission.split('.');
  const mine = own[area];
  const but = mine === undefined ? '' : `, or only on ${mine}`;
  return new Refusal('forbidden', {
    members: { permission },
    detail: `Your role does not allow what you asked${but}. \`permission\` names what is missing.`,
  });
}
