/** What erasure asks of what is open for a person. */
import type { TicketId } from '../domain/ids.js';

/** Commands of cause `erased`. The same `commandId` again gets the first answer. */
export interface OpenWork {
  /**
   * @returns `gone`: no workflow runs under its number
   * @throws CommandRefused; anything else may be tried again
   */
  closeTicket(ticket: TicketId, commandId: string): Promise<'done' | 'gone'>;
  /**
   * @returns `gone`: no workflow runs under its id
   * @throws CommandRefused; anything else may be tried again
   */
  cancelJourney(journey: string, commandId: string): Promise<'done' | 'gone'>;
}
