/** How an escalation is named: `TKT-3V7K9M2Q.e1`, the first of its ticket. */
import { parseTicketId } from '../../domain/ids.js';
import type { TicketId } from '../../domain/ids.js';

export interface EscalationKey {
  readonly ticket: TicketId;
  readonly n: number;
}

export const escalationName = ({ ticket, n }: EscalationKey): string => `${ticket}.e${n}`;

/** The escalation behind what a caller wrote, in any letter case; null when that names none. */
export function parseEscalationName(text: string): EscalationKey | null {
  const [, number = '', n] = /^(.+)[.]e([1-9][0-9]{0,5})$/i.exec(text) ?? [];
  const ticket = parseTicketId(number);
  return ticket === null ? null : { ticket, n: Number(n) };
}
