/** Starting a journey by a call. Source: journeys.md, sections 2, 3 and 10. */
import { v7 as newId } from 'uuid';
import type { Caller } from '../caller.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import { envelopeOf } from '../tickets/engine.js';
import { unknownReference } from '../tickets/refusals.js';
import type { Addressee, JourneyEngine } from './engine.js';
import type { JourneyReads } from './reads.js';
import type { StartedJourney, StartJourney } from './start-schema.js';
import { acceptedJourney } from './view.js';
import { findEntryTemplate } from '../../db/queries/journey-entry.js';
import { entryPorts } from '../../db/queries/journey-entry-ports.js';
import { subjectRoot } from '../../db/queries/journey-subject.js';
import { enter } from '../../domain/journey/entry/enter.js';
import type { EntryOutcome, EntryPorts, EntryTemplate } from '../../domain/journey/entry/enter.js';
import { subjectAsked } from '../../domain/journey/entry/entry.js';
import type { Asked } from '../../domain/journey/entry/entry.js';
import { createGuards } from '../../domain/journey/guard.js';
import { isObject, plainJson } from '../../domain/journey/json.js';
import type { JsonObject } from '../../domain/journey/json.js';
import { contentIdsIn } from '../../domain/journey/texts.js';
import type { OpenJourneyAnswer } from '../../workflows/journey/messages.js';

export type JourneyStarts = ReturnType<typeof createJourneyStarts>;

type Engine = Pick<JourneyEngine, 'within' | 'deliver'>;

export function createJourneyStarts(
  { journeys, now, log }: Pick<Deps, 'journeys' | 'now' | 'log'>,
  engine: Engine,
  reads: Pick<JourneyReads, 'find'>,
) {
  const guards = createGuards();

  /** What an entry needs of the world, for this caller; `answered` hears what the workflow said. */
  const portsFor = (caller: Caller, answered: (answer: OpenJourneyAnswer) => void): EntryPorts => {
    const { tenant } = caller.principal;
    const envelope = envelopeOf(caller);
    return {
      ...entryPorts({ tenant, within: (work) => engine.within(caller, work), engine: guards, newId, now }),
      open: async ({ journeyId, tenant: _its, template, entryKey, startedAt: _at, commandId: _c, actor: _a, ...fields }) => {
        const args = { ...envelope, ...fields };
        const send = () => journeys.open({ journeyId, tenant, template, entryKey, args }, caller.deadline);
        const answer = await orOver(() => engine.deliver(caller, 'open', addressee(journeyId), send));
        if (answer === 'over') return 'over';
        if (answer === 'repeated') return 'started';
        answered(answer);
        return answer.entry;
      },
      attach: async (journeyId, { input, eventId }) => {
        const args = { ...envelope, input, ...(eventId === null ? {} : { eventId }) };
        const send = () => journeys.send(journeyId, 'attach', args, caller.deadline);
        return (await orOver(() => engine.deliver(caller, 'attach', addressee(journeyId), send))) === 'over' ? 'over' : 'attached';
      },
    };
  };

  /** The journey as stored, or what the workflow said of it when the database cannot tell. */
  const answerOf = async (
    caller: Caller,
    { key }: EntryTemplate,
    { kind, journeyId }: Extract<EntryOutcome, { readonly journeyId: string }>,
    said: OpenJourneyAnswer | null,
  ): Promise<Answer> => {
    const location = `/v1/journeys/${journeyId}`;
    const status = kind === 'started' ? 201 : 200;
    try {
      const found = said === null || said.projected ? await reads.find(caller, journeyId) : undefined;
      if (found !== undefined) {
        const body: StartedJourney = { ...found.view, entry: kind };
        return { status, body, headers: { location, etag: found.etag } };
      }
    } catch (error) {
      if (said === null) throw error;
      log.warn({ journey: journeyId, reason: error instanceof Error ? error.message : 'unknown' }, 'started, but not read back');
    }
    // Somebody else has just started it, and its row follows.
    if (said === null) throw new Refusal('command_unconfirmed', { members: { idempotencyKey: caller.key } });
    const body: StartedJourney = { ...acceptedJourney(said.view, key), entry: kind };
    return { status: 202, body, headers: { location, etag: `"${said.version}"`, 'usher-projection': 'pending', 'retry-after': '2' } };
  };

  return {
    /** The same request again finds the journey it started; one that was refused is tried anew. */
    async start(caller: Caller, body: StartJourney): Promise<Answer> {
      const { tenant } = caller.principal;
      const input = inputOf(body);
      const asked: Asked = { trigger: null, event: null, subject: body.subject ?? null, input, commandId: caller.commandId };
      const { template, subject } = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const found = await findEntryTemplate(tx, tenant, body.template, body.version);
        if (found === undefined) throw unknownReference(body.version === undefined ? '/template' : '/version');
        const whom = subjectAsked(found.compiled, asked);
        return { template: found, subject: whom === null ? asked.subject : await subjectRoot(tx, tenant, whom) };
      });
      let said: OpenJourneyAnswer | null = null;
      const ports = portsFor(caller, (answer) => (said = answer));
      const requester = caller.principal.role === 'service' ? null : caller.principal.id;
      const outcome = await enter(ports, {
        tenant,
        template,
        asked: { ...asked, subject },
        actor: caller.principal.actor,
        requester,
        parent: null,
      });
      switch (outcome.kind) {
        case 'started':
        case 'existing':
        case 'signalled':
          return answerOf(caller, template, outcome, said);
        case 'refused':
          throw refusalOf(outcome);
        case 'invalid':
          throw new Refusal('input_invalid', {
            errors: outcome.faults.map(({ path, rule }) => ({ pointer: path, code: 'input_invalid', message: rule })),
          });
        case 'none':
          throw new Error('only triggers have guards of their own');
      }
    },
  };
}

/** What came as the input, as plain JSON. */
function inputOf({ input }: StartJourney): JsonObject {
  const { value } = plainJson(input);
  const plain = isObject(value) ? value : {};
  // Whose text that is, nobody has asked.
  if (contentIdsIn(plain).length > 0) {
    throw new Refusal('invalid_request', { errors: [{ pointer: '/input', code: 'invalid', message: 'must hold values, no references' }] });
  }
  return plain;
}

const over = new Refusal('journey_ended');
const addressee = (journeyId: string): Addressee => ({ name: `journey/${journeyId}`, journeyId, version: 0, ended: () => over });

/** A journey that is over is one more reason to look again. */
async function orOver<Result>(send: () => Promise<Result>): Promise<Result | 'over'> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof Refusal && error.code === 'journey_ended') return 'over';
    throw error;
  }
}

function refusalOf({ reason, trace }: Extract<EntryOutcome, { readonly kind: 'refused' }>): Refusal {
  const members = trace === null ? {} : { guard: trace.expression, path: trace.fault?.path ?? null };
  return new Refusal(reason, { members: { reason, ...members } });
}
