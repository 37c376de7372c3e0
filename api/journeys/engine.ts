/** One command to one journey or handoff, from stored text to answer; what every verb shares. */
import type { Caller } from '../caller.js';
import { CommandLost, CommandRefused } from '../commands.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import { envelopeOf } from '../tickets/engine.js';
import type { TicketEngine } from '../tickets/engine.js';
import { journeyRefusal } from './refusals.js';
import type { TenantTx } from '../../db/client.js';
import type { ContentRow } from '../../db/queries/content.js';
import { wasDone } from '../../db/queries/journeys.js';
import type { HandoffCommandFields, HandoffVerb } from '../../domain/handoff/command.js';
import type { ContentId } from '../../domain/ids.js';
import type { JourneyCommandFields, JourneyEnvelope, JourneyVerb } from '../../domain/journey/run/command.js';
import type { HandoffAnswer } from '../../workflows/handoff/messages.js';
import type { JourneyAnswer } from '../../workflows/journey/messages.js';

/** What became of a command: the workflow's answer; `repeated`: done before, and over since; `accepted`: the caller does not wait. */
export type Sent<Answer> = Answer | 'repeated' | 'accepted';

export interface Sending {
  readonly texts?: readonly ContentRow[];
  /** The content row of the reason. */
  readonly reason?: ContentId | undefined;
  /** What templates call the caller: role, keys of teams. */
  readonly roles?: readonly string[];
  /** Where in the body the value stands that a refusal may find fault with. */
  readonly base?: string;
  /** Work of the transaction that stores the texts. */
  readonly also?: (tx: TenantTx) => Promise<void>;
}

/** Whom a command goes to. */
export interface Addressee {
  readonly name: string;
  readonly journeyId: string;
  readonly version: number;
  /** What to say when its workflow is over. */
  readonly ended: () => Refusal;
}

export type JourneyEngine = ReturnType<typeof createJourneyEngine>;

export function createJourneyEngine(
  { journeys, metrics, log, now }: Pick<Deps, 'journeys' | 'metrics' | 'log' | 'now'>,
  { look, within }: Pick<TicketEngine, 'look' | 'within'>,
) {
  /** Sends, measures, and turns every bad end into a refusal. */
  const deliver = async <Answer>(
    caller: Caller,
    verb: string,
    { name, journeyId, ended }: Addressee,
    send: () => Promise<Answer>,
    base?: string,
  ): Promise<Answer | 'repeated'> => {
    const startedAt = now();
    const measured = (outcome: string): void => metrics.command(verb, outcome, (now() - startedAt) / 1000);
    try {
      const answer = await send();
      measured('ok');
      return answer;
    } catch (error) {
      if (error instanceof CommandRefused) {
        measured('refused');
        throw journeyRefusal(error.code, error.members, base);
      }
      if (!(error instanceof CommandLost)) {
        measured('error');
        throw error;
      }
      measured(error.kind);
      if (error.kind === 'gone' || error.kind === 'over') {
        // The command may have been its last one.
        const done = await within(caller, (tx) => wasDone(tx, caller.principal.tenant, journeyId, caller.commandId));
        if (done) return 'repeated';
        throw ended();
      }
      log.warn({ err: error.cause, verb, subject: name, kind: error.kind }, 'command lost');
      if (error.kind === 'unavailable') throw new Refusal('engine_unavailable');
      if (error.kind === 'busy') throw new Refusal('engine_busy');
      throw new Refusal('command_unconfirmed', { members: { idempotencyKey: caller.key } });
    }
  };

  /** Stores what belongs to a command. */
  const prepare = async (caller: Caller, { version }: Addressee, { texts = [], also }: Sending): Promise<void> => {
    if (caller.expected === 'never') throw new Refusal('version_mismatch', { members: { current: version } });
    if (texts.length === 0 && caller.claim === null && also === undefined) {
      // Nothing is written, so nobody has to wait for the end.
      void caller.unit?.leave();
      return;
    }
    await within(caller, async (tx) => {
      await takeKey(tx, caller, { texts });
      await also?.(tx);
    });
  };

  return {
    look,
    within,
    deliver,

    /** Stores what belongs to a command, then sends it to a journey. */
    async command<Verb extends JourneyVerb>(
      caller: Caller,
      { id, version }: { readonly id: string; readonly version: number },
      verb: Verb,
      fields: JourneyCommandFields[Verb],
      sending: Sending = {},
    ): Promise<Sent<JourneyAnswer>> {
      const to = { name: `journey/${id}`, journeyId: id, version, ended: () => new Refusal('journey_ended') };
      await prepare(caller, to, sending);
      const args = Object.assign(envelopeFor(caller, sending), fields);
      if (!caller.async) return deliver(caller, verb, to, () => journeys.send(id, verb, args, caller.deadline), sending.base);
      await deliver(caller, verb, to, () => journeys.accept(id, verb, args, caller.deadline), sending.base);
      return 'accepted';
    },

    /** The same to a handoff. */
    async commandHandoff<Verb extends HandoffVerb>(
      caller: Caller,
      {
        id,
        journeyId,
        version,
        state,
      }: { readonly id: string; readonly journeyId: string; readonly version: number; readonly state: string },
      verb: Verb,
      fields: HandoffCommandFields[Verb],
      sending: Sending = {},
    ): Promise<Sent<HandoffAnswer>> {
      const ended = (): Refusal => new Refusal('handoff.illegal_move', { members: { state, verb, allowed: [] } });
      const to = { name: `handoff/${id}`, journeyId, version, ended };
      await prepare(caller, to, sending);
      const args = Object.assign(envelopeFor(caller, sending), fields);
      if (!caller.async) return deliver(caller, verb, to, () => journeys.sendToHandoff(id, verb, args, caller.deadline), sending.base);
      await deliver(caller, verb, to, () => journeys.acceptByHandoff(id, verb, args, caller.deadline), sending.base);
      return 'accepted';
    },
  };
}

/** What every command of the API carries. */
const envelopeFor = (caller: Caller, { reason, roles }: Sending): JourneyEnvelope => ({
  ...envelopeOf(caller),
  ...(typeof caller.expected === 'number' ? { expectedVersion: caller.expected } : {}),
  ...(roles === undefined ? {} : { roles }),
  ...(reason === undefined ? {} : { reason }),
});
