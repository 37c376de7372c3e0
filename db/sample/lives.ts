/** What became of sample tickets, decided by the same rules as every ticket's. */
import type { Story } from './stories.js';
import { decide } from '../../domain/ticket/decide.js';
import type { TicketStep } from '../../domain/ticket/step.js';
import type { Ticket } from '../../domain/ticket/ticket.js';

export interface Life {
  readonly story: Story;
  readonly steps: readonly TicketStep[];
  /** As it is at the end of its story. */
  readonly ticket: Ticket;
}

/** @throws Error when the rules refuse what a story tells: the story is wrong */
export function lived(story: Story): Life {
  const steps: TicketStep[] = [];
  let ticket: Ticket | null = null;
  for (const { at, command } of story.moments) {
    const decision = decide(ticket, command, at);
    if (!decision.ok) throw new Error(`story ${story.number}: ${command.kind} was refused with ${decision.code}`);
    ticket = decision.state;
    const { commandId, kind, actor, role, source } = command;
    steps.push({ commandId, kind, actor, role, source, runId: 'sample', at, events: decision.events, ticket, planned: [] });
  }
  if (ticket === null) throw new Error(`story ${story.number} tells nothing`);
  return { story, steps, ticket };
}
