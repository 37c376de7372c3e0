/** Where the workflows of journeys and handoffs would be: remembers what it is told, checks its shape, answers as it is bid. */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { CommandLost, CommandRefused } from '../../api/commands.js';
import type { JourneyCommands, JourneyOpening } from '../../api/journeys/commands.js';
import type { Db } from '../../db/client.js';
import { projectHandoff } from '../../db/queries/handoff-projection.js';
import { projectJourney } from '../../db/queries/journey-projection.js';
import { originOf } from '../../domain/actor.js';
import type { Members } from '../../domain/decision.js';
import type { HandoffVerb } from '../../domain/handoff/command.js';
import type { Doer } from '../../domain/journey/run/event.js';
import type { HandoffRecord, JourneyRecord } from '../../domain/journey/run/record.js';
import type { JourneyVerb } from '../../domain/journey/run/command.js';
import { journeyShapeErrors } from '../../domain/journey/shape.js';
import type { HandoffAnswer, HandoffArgs } from '../../workflows/handoff/messages.js';
import type { JourneyAnswer, JourneyArgs, OpenJourneyAnswer } from '../../workflows/journey/messages.js';
import { aDoer, aHandoff, aHandoffEvent, aHandoffRecord, anEvent, aRecord, aStart, aView } from '../support/journey-records.js';

/** Who sent a command, as its workflow tells PostgreSQL. */
const doerOf = (kind: string, { commandId, actor, role, source, ...said }: Partial<Doer> & { readonly commandId: string }): Doer =>
  aDoer({
    commandId,
    kind,
    ...(actor === undefined ? {} : { actor }),
    ...(role === undefined ? {} : { role }),
    ...(source === undefined ? {} : { source }),
    ...originOf(said),
  });

/** What a command carried, whatever its verb. */
type Carried = Readonly<Record<string, unknown>>;

export class JourneysInMemory implements JourneyCommands {
  /** One entry per command that arrived. */
  readonly received: { readonly to: string; readonly verb: string; readonly args: Carried }[] = [];
  trouble: CommandLost['kind'] | null = null;
  /** What commands are refused with. */
  refusal: { readonly code: string; readonly members?: Members } | null = null;
  /** What the rules say besides. */
  said: Members = {};
  /** Whether PostgreSQL has what the workflow decided when it answers. */
  projected = true;
  private readonly db: Db;
  private readonly journeys = new Map<string, JourneyRecord>();
  private readonly handoffs = new Map<string, HandoffRecord>();

  constructor(db: Db) {
    this.db = db;
  }

  /** The last command that arrived, without what every one carries. */
  get last(): { to: string; verb: string; args: Carried } {
    const found = this.received.at(-1);
    if (found === undefined) throw new Error('no command arrived');
    const { commandId: _, actor: __, role: ___, source: ____, receivedAt: _____, roles: ______, requestId: _______, ...args } = found.args;
    return { ...found, args };
  }

  /** As before the first command. */
  reset(): void {
    this.received.length = 0;
    this.trouble = null;
    this.refusal = null;
    this.said = {};
    this.projected = true;
  }

  /** Stores a journey as its workflow would. */
  async keep(record: JourneyRecord): Promise<string> {
    await projectJourney(this.options(), [record]);
    this.journeys.set(record.journeyId, record);
    return record.journeyId;
  }

  async keepHandoff(record: HandoffRecord): Promise<string> {
    await projectHandoff(this.options(), [record]);
    this.handoffs.set(record.handoffId, record);
    return record.handoffId;
  }

  async open({ journeyId, template, entryKey, tenant, args }: JourneyOpening): Promise<OpenJourneyAnswer> {
    this.take(`journey/${journeyId}`, 'open', args);
    const { subject, entry, input, requester, trigger, parent } = args;
    const start = aStart(journeyId, { tenant, template, entryKey, subject, entry, input, requester, trigger, parent });
    const record = aRecord(journeyId, { tenant, doer: doerOf('open', args), view: { start } });
    await this.keep(record);
    return {
      version: record.view.version,
      view: record.view,
      said: this.said,
      projected: this.projected,
      stored: record.view.version,
      entry: 'started',
    };
  }

  async send<Verb extends JourneyVerb>(
    id: string,
    verb: Verb,
    args: JourneyArgs<Verb> & { readonly commandId: string },
  ): Promise<JourneyAnswer> {
    expect(journeyShapeErrors(verb, args), `shape of ${verb}`).toEqual([]);
    this.take(`journey/${id}`, verb, args);
    const before = this.journeys.get(id)?.view ?? aView(aStart(id));
    const version = before.version + 1;
    const view = { ...before, version };
    // The event log tells the command apart, so that a repetition after the end can be found.
    if (this.projected) {
      const doer = doerOf(verb, args);
      await this.keep(aRecord(id, { doer, events: [anEvent('journey.context.changed', version)], view }));
    }
    return { version, view, said: this.said, projected: this.projected, stored: this.projected ? version : before.version };
  }

  async accept<Verb extends JourneyVerb>(id: string, verb: Verb, args: JourneyArgs<Verb> & { readonly commandId: string }): Promise<void> {
    await this.send(id, verb, args);
  }

  async sendToHandoff<Verb extends HandoffVerb>(
    id: string,
    verb: Verb,
    args: HandoffArgs<Verb> & { readonly commandId: string },
  ): Promise<HandoffAnswer> {
    this.take(`handoff/${id}`, verb, args);
    const before = this.handoffs.get(id)?.view ?? aHandoff(id.split('.')[0] ?? '');
    const version = before.version + 1;
    const view = { ...before, version };
    if (this.projected) {
      const doer = doerOf(verb, args);
      await this.keepHandoff(aHandoffRecord(before.journeyId, { doer, events: [aHandoffEvent('handoff.assigned', version)], view }));
    }
    return { version, view, projected: this.projected, stored: this.projected ? version : before.version };
  }

  async acceptByHandoff<Verb extends HandoffVerb>(
    id: string,
    verb: Verb,
    args: HandoffArgs<Verb> & { readonly commandId: string },
  ): Promise<void> {
    await this.sendToHandoff(id, verb, args);
  }

  private take(to: string, verb: string, args: object): void {
    if (this.trouble !== null) throw new CommandLost(this.trouble);
    this.received.push({ to, verb, args: { ...args } });
    if (this.refusal !== null) throw new CommandRefused(this.refusal.code, this.refusal.members ?? {});
  }

  private options() {
    return { db: this.db, newId: randomUUID, onRepaired: () => undefined };
  }
}
