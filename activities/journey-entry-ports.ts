/** What entries and events ask of journeys. */
import type { Actor } from '../domain/actor.js';
import type { Opening } from '../domain/journey/entry/enter.js';
import type { JsonObject } from '../domain/journey/json.js';
import type { OccurredEvent } from '../domain/journey/run/effect.js';

export interface Attachment {
  readonly commandId: string;
  readonly actor: Actor;
  readonly input: JsonObject;
  readonly eventId: string | null;
}

/** Messages to the workflows of journeys. Whatever they throw may be tried again; the same `commandId` or event again changes nothing. */
export interface JourneyMessages {
  /** `existing`: another command opened it; `over`: it has ended. */
  open(start: Opening): Promise<'started' | 'existing' | 'over'>;
  /** Fills what is empty. */
  attach(journeyId: string, attachment: Attachment): Promise<'attached' | 'over'>;
  /** Tells of an event, whose data stay in the log; `gone`: it has ended. */
  tell(journeyId: string, event: OccurredEvent): Promise<'told' | 'gone'>;
}
