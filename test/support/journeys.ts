/** Journeys without workflows: what they are asked is written to PostgreSQL as their workflows would, and kept to be looked at. */
import { randomUUID } from 'node:crypto';
import type { Attachment, Follower, JourneyMessages, OpenVote } from '../../activities/journey-entry-ports.js';
import type { Db } from '../../db/client.js';
import { projectJourney } from '../../db/queries/journey-projection.js';
import type { Opening } from '../../domain/journey/entry/enter.js';
import type { OccurredEvent } from '../../domain/journey/run/effect.js';
import type { JourneyView } from '../../domain/journey/run/record.js';
import { aDoer, anEvent, aRecord } from './journey-records.js';

interface Lived {
  readonly opening: Opening;
  version: number;
  isOver: boolean;
}

export class JourneysInDatabase implements JourneyMessages {
  readonly journeys = new Map<string, Lived>();
  readonly attached: (Attachment & { readonly journeyId: string })[] = [];
  readonly told: { readonly journeyId: string; readonly event: OccurredEvent }[] = [];
  readonly followers: (Follower & { readonly of: string })[] = [];
  /** Called after a message has done its work and before it is answered. */
  afterwards: (kind: 'open' | 'attach' | 'tell') => void = () => undefined;
  /** Whether the rows follow at once. */
  projects = true;
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async open(opening: Opening): Promise<'started' | 'existing' | 'over'> {
    const { journeyId, commandId, actor, ...start } = opening;
    const found = this.journeys.get(journeyId);
    if (found === undefined) {
      this.journeys.set(journeyId, { opening, version: 2, isOver: false });
      const doer = aDoer({ commandId, actor, kind: 'open', role: 'system', source: 'system' });
      if (this.projects)
        await this.#project(
          aRecord(journeyId, { doer, tenant: start.tenant, view: { start: { ...start, journeyId }, context: start.input } }),
        );
    }
    this.afterwards('open');
    if (found?.isOver === true) return 'over';
    return found === undefined || found.opening.commandId === commandId ? 'started' : 'existing';
  }

  attach(journeyId: string, attachment: Attachment): Promise<'attached' | 'over'> {
    const found = this.journeys.get(journeyId);
    if (found === undefined || found.isOver) return Promise.resolve('over');
    // As in the workflow: the same command again gets the first answer.
    if (!this.attached.some(({ commandId }) => commandId === attachment.commandId)) this.attached.push({ journeyId, ...attachment });
    this.afterwards('attach');
    return Promise.resolve('attached');
  }

  tell(journeyId: string, event: OccurredEvent): Promise<'told' | 'gone'> {
    const found = this.journeys.get(journeyId);
    if (found === undefined || found.isOver) return Promise.resolve('gone');
    if (!this.told.some((one) => one.journeyId === journeyId && one.event.id === event.id)) this.told.push({ journeyId, event });
    this.afterwards('tell');
    return Promise.resolve('told');
  }

  /** Votes of these journeys are told; they hear no more than that. */
  lookAgain({ journeyId }: OpenVote): Promise<'told' | 'gone'> {
    return Promise.resolve(this.journeys.get(journeyId)?.isOver === false ? 'told' : 'gone');
  }

  follow(journeyId: string, follower: Follower): Promise<'told' | 'gone'> {
    const found = this.journeys.get(journeyId);
    if (found === undefined || found.isOver) return Promise.resolve('gone');
    this.followers.push({ of: journeyId, ...follower });
    return Promise.resolve('told');
  }

  /** Moves a journey on, in the database too. */
  async become(journeyId: string, view: Partial<JourneyView>): Promise<void> {
    const found = this.journeys.get(journeyId);
    if (found === undefined) throw new Error(`there is no ${journeyId}`);
    found.version += 1;
    found.isOver ||= typeof view.endedAt === 'number';
    const { commandId: _c, actor: _a, ...start } = found.opening;
    const events = [anEvent(found.isOver ? 'journey.ended' : 'journey.context.changed', found.version)];
    await this.#project(
      aRecord(journeyId, {
        doer: aDoer({ commandId: randomUUID() }),
        tenant: start.tenant,
        events,
        view: { context: start.input, ...view, start },
      }),
    );
  }

  ids(): string[] {
    return [...this.journeys.keys()];
  }

  async #project(record: Parameters<typeof projectJourney>[1][number]): Promise<void> {
    await projectJourney({ db: this.#db, newId: randomUUID, onRepaired: () => undefined }, [record]);
  }
}
