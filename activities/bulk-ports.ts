/** What batches ask of journeys and handoffs. */
import type { Actor, Role } from '../domain/actor.js';
import type { BulkOrder } from '../domain/bulk/command.js';
import type { ContentId } from '../domain/ids.js';

/** One command of a batch to one instance. */
export interface InstanceCommand {
  /** The journey's or the handoff's id. */
  readonly ref: string;
  readonly order: BulkOrder;
  /** The same again gets the first answer. */
  readonly commandId: string;
  readonly actor: Actor;
  readonly role: Role;
  readonly roles: readonly string[];
  /** Content rows; absent: nothing was said. */
  readonly reason?: ContentId;
  readonly comment?: ContentId;
}

export interface Instances {
  /**
   * Sends a command and waits for its answer.
   *
   * @returns `gone`: no workflow runs under this id
   * @throws CommandRefused when the instance said no; anything else means that nobody knows whether it was accepted
   */
  ask(command: InstanceCommand, signal: AbortSignal): Promise<'done' | 'gone'>;
}
