/** What happened to a ticket, as far as its clocks care. Source: sla.md, section 2 and R7–R12, R16, R18–R25. */
import type { Command, TicketCommand } from '../ticket/command.js';
import type { TicketEvent } from '../ticket/event.js';
import type { Priority, TicketStatus } from '../ticket/status.js';
import type { Instant } from '../time.js';
import type { CancelReason } from './clock.js';
import type { MatchField, SlaPlan } from './policy.js';
import type { Windows } from './windows.js';

/** Why a plan replaces another. */
export const replanReasons = ['priority', 'policy', 'revision', 'team', 'zone_data'] as const;
export type ReplanReason = (typeof replanReasons)[number];

/** Who sent a public message of the desk. */
export type DeskAuthor = 'agent' | 'bot' | 'call';

export type SlaFact = Happened & {
  /** When the desk learned of it; as it is worked in when absent. */
  readonly toldAt?: Instant;
};

type Happened =
  | {
      readonly kind: 'opened';
      readonly at: Instant;
      readonly receivedAt: Instant;
      readonly by: 'customer' | 'desk';
      readonly status: TicketStatus;
      readonly priority: Priority;
    }
  | { readonly kind: 'customer_message'; readonly at: Instant; readonly receivedAt: Instant }
  | {
      readonly kind: 'desk_message';
      readonly at: Instant;
      readonly receivedAt: Instant;
      readonly by: DeskAuthor;
      readonly resolves: boolean;
    }
  | { readonly kind: 'status'; readonly at: Instant; readonly to: Exclude<TicketStatus, 'closed'> }
  | { readonly kind: 'closed'; readonly at: Instant; readonly reason: CancelReason }
  /** `retarget` false: an escalation raised it, and must not breach its own clock. */
  | { readonly kind: 'priority'; readonly at: Instant; readonly to: Priority; readonly retarget: boolean }
  | { readonly kind: 'cause'; readonly at: Instant; readonly cause: string; readonly on: boolean }
  | { readonly kind: 'override'; readonly at: Instant; readonly clock: string; readonly budgetS: number }
  | { readonly kind: 'waive'; readonly at: Instant; readonly clock: string }
  | {
      readonly kind: 'planned';
      readonly at: Instant;
      readonly plan: SlaPlan | null;
      readonly windows: Windows | null;
      readonly rematchOn: readonly MatchField[];
      readonly teamCalendar: boolean;
      readonly reason: ReplanReason;
    }
  | { readonly kind: 'windows'; readonly at: Instant; readonly windows: Windows };

/**
 * What one accepted command says to the clocks, in the order it happened.
 *
 * @param at when it happened as far as the clocks care: never before what they know already
 * @param toldAt when the desk learned of it
 */
export function factsOf(
  events: readonly TicketEvent[],
  command: TicketCommand,
  { at, toldAt }: { readonly at: Instant; readonly toldAt: Instant },
): SlaFact[] {
  const happened =
    command.kind === 'open' ? [opened(command, at)] : events.flatMap((event) => factsOfEvent(event, { events, command, at }));
  return happened.map((fact) => ({ ...fact, toldAt }));
}

interface Context {
  readonly events: readonly TicketEvent[];
  readonly command: TicketCommand;
  readonly at: Instant;
}

function factsOfEvent(event: TicketEvent, { events, command, at }: Context): Happened[] {
  switch (event.type) {
    case 'message.received':
      return event.data['auto'] === true ? [] : [{ kind: 'customer_message', at, receivedAt: receivedAt(command, at) }];
    case 'message.sent': {
      const resolves = events.some(({ type }) => type === 'ticket.resolved');
      return [{ kind: 'desk_message', at, receivedAt: receivedAt(command, at), by: authorOf(command), resolves }];
    }
    case 'ticket.status_changed':
      return [{ kind: 'status', at, to: statusIn(event) }];
    case 'ticket.resolved':
      return [{ kind: 'status', at, to: 'resolved' }];
    case 'ticket.reopened':
      return [{ kind: 'status', at, to: 'in_progress' }];
    case 'ticket.closed':
      return [{ kind: 'closed', at, reason: closeReason(event.data['cause']) }];
    case 'ticket.updated': {
      if (event.data['action'] !== undefined) return [byHand(command, at)];
      const to = event.data['priorityTo'];
      if (typeof to !== 'string') return [];
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- decide wrote the ticket's own priority there
      return [{ kind: 'priority', at, to: to as Priority, retarget: command.kind !== 'priority' || command.keepTargets !== true }];
    }
    default:
      return [];
  }
}

/** What was done to the clocks by hand: a target, a waiver, or a pause or its end. */
function byHand(command: TicketCommand, at: Instant): Happened {
  if (command.kind === 'overrideTarget') return { kind: 'override', at, clock: command.clock, budgetS: command.budgetS };
  if (command.kind === 'waive') return { kind: 'waive', at, clock: command.clock };
  return { kind: 'cause', at, cause: 'manual', on: command.kind === 'pauseClocks' };
}

const opened = (command: Command<'open'>, at: Instant): Happened => ({
  kind: 'opened',
  at,
  receivedAt: receivedAt(command, at),
  // Automatic mail asks nothing, so nothing waits for an answer.
  by: isCustomer(command) && command.auto !== true ? 'customer' : 'desk',
  status: command.status ?? 'new',
  priority: command.priority,
});

/** The customer, or a system that passes on what the customer wrote. */
const isCustomer = ({ role }: TicketCommand): boolean => role === 'customer' || role === 'service' || role === 'system';

/** A machine that answers in public is a bot. Source: sla.md, R7. */
const authorOf = ({ role }: TicketCommand): DeskAuthor => (role === 'service' || role === 'system' ? 'bot' : 'agent');

/** As its channel received it, also when that was before something the clocks know (R3, R5). */
const receivedAt = ({ receivedAt: given }: TicketCommand, at: Instant): Instant => Math.min(given ?? at, at);

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- decide wrote a status there, and `closed` has an event of its own
const statusIn = ({ data: { to } }: TicketEvent): Exclude<TicketStatus, 'closed'> => to as Exclude<TicketStatus, 'closed'>;

function closeReason(cause: unknown): CancelReason {
  return cause === 'merged' || cause === 'erased' ? cause : 'closed';
}
