/** Which events a reader asked for; who may hear of them is another question. */
import type { StreamQuery } from './schema.js';
import type { Addressed, LoggedEvent } from '../../db/queries/stream.js';
import { hadBefore } from '../../domain/access/audience.js';
import type { Principal } from '../../domain/access/principal.js';
import { parseTicketId } from '../../domain/ids.js';

type Wants = (event: LoggedEvent) => boolean;

/** Subjects as the log writes them; a ticket's number may come in any letter case. */
export function subjectOf(given: string): string {
  const id = given.startsWith('ticket/') ? parseTicketId(given.slice('ticket/'.length)) : null;
  return id === null ? given : `ticket/${id}`;
}

export function asked(reader: Principal, { product, team, assignee, types, subject }: StreamQuery): Wants {
  const products = product === undefined || product.includes('*') ? undefined : new Set(product);
  const teams = team && new Set<string | null>(team);
  const people = assignee && new Set(assignee.map((who) => (who === 'me' ? reader.id : who === 'none' ? null : who)));
  const isType = types && oneOf(types);
  const only = subject === undefined ? undefined : subjectOf(subject);
  return (event) => {
    if (only !== undefined && event.subject !== only) return false;
    if (isType?.(event.type) === false) return false;
    if (products === undefined && teams === undefined && people === undefined) return true;
    const { ticket } = event;
    if (ticket === null || products?.has(ticket.product) === false) return false;
    // Who asks for one team's tickets hears of the one that leaves it, too.
    const rows = event.type === 'ticket.assigned' ? [ticket, hadBefore(event.data)] : [ticket];
    return rows.some((row) => teams?.has(row.team) !== false && people?.has(row.assignee) !== false);
  };
}

/** `ticket.*` stands for everything below it. */
function oneOf(patterns: readonly string[]): (type: string) => boolean {
  const beginnings = patterns.filter((pattern) => pattern.endsWith('.*')).map((pattern) => pattern.slice(0, -1));
  const whole = new Set(patterns);
  return (type) => whole.has(type) || beginnings.some((beginning) => type.startsWith(beginning));
}

/** Events of handoffs, as far as a package is asked for; of those of the reader only, also when somebody else has taken one meanwhile. */
export function ofHandoffs(
  { from, to }: { readonly from?: readonly string[]; readonly to?: readonly string[] },
  isMine: (handoff: Addressed) => boolean,
): Wants {
  return ({ handoff }) =>
    handoff !== null && from?.includes(handoff.fromPackage) !== false && to?.includes(handoff.toPackage) !== false && isMine(handoff);
}

/** Whether a handoff asks somebody who holds these roles. */
export const asks =
  ({ id }: Principal, roles: readonly string[]) =>
  ({ assignee, people, roles: wanted, toPackage }: Addressed): boolean =>
    assignee === id || people.includes(id) || roles.includes(toPackage) || wanted.some((role) => roles.includes(role));
