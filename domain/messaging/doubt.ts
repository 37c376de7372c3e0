/** What follows when nobody can say whether a message went out. Source: reliability.md, R3 and R4. */
import type { MessageTemplate } from './plan.js';
import { minute, second } from '../time.js';
import type { Instant } from '../time.js';

/** `hold`: a lost message is visible, a double one embarrassing; `retry`: a lost one is worse than a double one. */
export const deliveryPolicies: Readonly<Record<MessageTemplate, 'hold' | 'retry'>> = {
  acknowledgement: 'hold',
  reply: 'hold',
  resolved: 'hold',
  notice: 'retry',
};

/** When the provider is asked what became of a message, counted from its attempt: it may list a message later than it took it. */
const looks: readonly number[] = [15 * second, minute, 5 * minute];

/** An attempt that reached the wire and got no answer. */
export interface Doubt {
  readonly template: MessageTemplate;
  /** It was the repetition already: there is never a third. */
  readonly repeated: boolean;
  /** The provider can be asked what it was given. */
  readonly listed: boolean;
  readonly wireAt: Instant;
  /** The provider was asked just now, and does not know of it. */
  readonly absent: boolean;
  readonly now: Instant;
}

/** `look`: ask the provider; `wait`: it is too early for that; `unknown`: nothing more is done. */
export type DoubtStep =
  | { readonly kind: 'repeat' }
  | { readonly kind: 'look' }
  | { readonly kind: 'wait'; readonly until: Instant }
  | { readonly kind: 'unknown' };

/** A message that may be sent once more is, after one look where one is possible: lateness counts. Its repetition gets all the looks. */
export function afterDoubt({ template, repeated, listed, wireAt, absent, now }: Doubt): DoubtStep {
  const end: DoubtStep = deliveryPolicies[template] === 'retry' && !repeated ? { kind: 'repeat' } : { kind: 'unknown' };
  if (!listed) return end;
  const first = wireAt + Math.min(...looks);
  if (now < first) return { kind: 'wait', until: first };
  if (!absent) return { kind: 'look' };
  const next = looks.find((look) => wireAt + look > now);
  return end.kind === 'repeat' || next === undefined ? end : { kind: 'wait', until: wireAt + next };
}
