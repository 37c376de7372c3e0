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

/** A step that waits for the end of a journey. */
export interface Follower {
  readonly journeyId: string;
  readonly effect: string;
}

/** Where a vote is open: at a step of a journey, or at the gate of a handoff. */
export interface OpenVote {
  readonly journeyId: string;
  readonly handoffId: string | null;
}

/** Messages to the workflows of journeys. Whatever they throw may be tried again; the same `commandId` or event again changes nothing. */
export interface JourneyMessages {
  /** `existing`: another command opened it; `over`: it has ended. */
  open(start: Opening): Promise<'started' | 'existing' | 'over'>;
  /** Fills what is empty. */
  attach(journeyId: string, attachment: Attachment): Promise<'attached' | 'over'>;
  /** Tells of an event, whose data stay in the log; `gone`: it has ended. */
  tell(journeyId: string, event: OccurredEvent): Promise<'told' | 'gone'>;
  /** Tells an open vote that roles have changed, by an event of the log; `gone`: it is over. */
  lookAgain(vote: OpenVote, eventId: string): Promise<'told' | 'gone'>;
  /** Asks it to tell another journey's step when it is over; `gone`: it is. */
  follow(journeyId: string, follower: Follower): Promise<'told' | 'gone'>;
}
