/** Handoffs between departments: made, offered, taken, given back. Source: journeys.md, section 8. */
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { JourneyEngine, Sending, Sent } from '../journeys/engine.js';
import { oneText, takeTexts } from '../journeys/texts.js';
import { textsOf } from '../journeys/view.js';
import type { Answer } from '../middleware/idempotency.js';
import { forbidden } from '../forbidden.js';
import { unknownReference } from '../tickets/refusals.js';
import { rulesOf } from './creation.js';
import type {
  ApproveBody,
  AssignBody,
  CancelBody,
  CompleteBody,
  CreateHandoff,
  HandoffsQuery,
  HandoffView,
  RejectBody,
  ReturnBody,
} from './schema.js';
import { acceptedHandoff, handoffView } from './view.js';
import type { TenantTx } from '../../db/client.js';
import { findAssignment } from '../../db/queries/directory.js';
import { findHandoff, listHandoffs } from '../../db/queries/handoffs.js';
import type { HandoffFacts, HandoffRecord } from '../../db/queries/handoffs.js';
import { findJourney, findRunTemplate } from '../../db/queries/journeys.js';
import type { JourneyFacts } from '../../db/queries/journeys.js';
import { findTexts } from '../../db/queries/journey-questions.js';
import { permit } from '../../domain/access/permit.js';
import type { Permission } from '../../domain/access/permit.js';
import type { HandoffCommandFields, HandoffVerb } from '../../domain/handoff/command.js';
import type { TenantId } from '../../domain/ids.js';
import { own, segmentsOf } from '../../domain/journey/json.js';
import type { HandoffAnswer } from '../../workflows/handoff/messages.js';

export type HandoffService = ReturnType<typeof createHandoffService>;

async function viewed(tx: TenantTx, tenant: TenantId, rows: readonly HandoffRecord[]): Promise<HandoffView[]> {
  const contents = await findTexts(tx, tenant, textsOf(rows.map(({ data }) => data)));
  return rows.map((row) => handoffView(row, contents));
}

export function createHandoffService(
  { keys, log }: Pick<Deps, 'keys' | 'log'>,
  engine: Pick<JourneyEngine, 'look' | 'within' | 'command' | 'commandHandoff'>,
) {
  const find = (reader: Reader, id: string): Promise<HandoffView | undefined> =>
    engine.within(reader, async (tx) => {
      const row = await findHandoff(tx, reader.principal, id);
      return row && (await viewed(tx, reader.principal.tenant, [row]))[0];
    });

  /** The handoff as stored, or what the workflow said of it when the database cannot tell. */
  const finish = async (caller: Caller, { id }: HandoffFacts, sent: Sent<HandoffAnswer>): Promise<Answer> => {
    const location = `/v1/handoffs/${id}`;
    if (sent === 'accepted') {
      return { status: 202, body: { id, commandId: caller.commandId }, headers: { location, 'preference-applied': 'respond-async' } };
    }
    try {
      const view = sent === 'repeated' || sent.projected ? await find(caller, id) : undefined;
      if (view !== undefined) return { status: 200, body: view, headers: { etag: `"${view.version}"` } };
    } catch (error) {
      if (sent === 'repeated') throw error;
      log.warn({ handoff: id, reason: error instanceof Error ? error.message : 'unknown' }, 'accepted, but not read back');
    }
    if (sent === 'repeated') throw new Refusal('not_found');
    const headers = { location, etag: `"${sent.version}"`, 'usher-projection': 'pending', 'retry-after': '2' };
    return { status: 202, body: acceptedHandoff(sent.view), headers };
  };

  const run = async <Verb extends HandoffVerb>(
    caller: Caller,
    row: HandoffFacts,
    verb: Verb,
    fields: HandoffCommandFields[Verb],
    sending: Sending = {},
  ): Promise<Answer> => finish(caller, row, await engine.commandHandoff(caller, row, verb, fields, { roles: row.readerRoles, ...sending }));

  /** The handoff’s own workflow stores it, a moment after the journey has made it. */
  const created = async (caller: Caller, { id: journey }: JourneyFacts, said: unknown): Promise<Answer> => {
    const { commandId } = caller;
    if (typeof said !== 'string')
      return { status: 202, body: { id: journey, commandId }, headers: { location: `/v1/handoffs?journey=${journey}` } };
    const location = `/v1/handoffs/${said}`;
    const view = await find(caller, said).catch((error: unknown) => {
      log.warn({ handoff: said, reason: error instanceof Error ? error.message : 'unknown' }, 'made, but not read back');
      return undefined;
    });
    if (view !== undefined) return { status: 201, body: view, headers: { location, etag: `"${view.version}"` } };
    return { status: 202, body: { id: said, commandId }, headers: { location, 'usher-projection': 'pending', 'retry-after': '2' } };
  };

  /** Variables of the journey whose values are kept whatever they are. */
  const personalOf = async (caller: Caller, key: string, version: number): Promise<(path: string) => boolean> => {
    const template = await engine.look(caller, (tx) => findRunTemplate(tx, caller.principal.tenant, key, version));
    return (path) => own(template?.compiled.context ?? {}, segmentsOf(path)[0] ?? '')?.pii === true;
  };

  return {
    /** Newest first. */
    async list(reader: Reader, query: HandoffsQuery): Promise<Page<HandoffView>> {
      const { limit, cursor, ...filter } = query;
      const binding = cursorBinding(reader.principal, 'handoffs', query);
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor) };
      return engine.within(reader, async (tx) => {
        const rows = await listHandoffs(tx, reader.principal, filter, { limit, ...after });
        const views = new Map((await viewed(tx, reader.principal.tenant, rows)).map((view) => [view.id, view]));
        return pageOf(
          rows,
          limit,
          (row) => views.get(row.id) ?? handoffView(row, new Map()),
          ({ position, id }) => writeCursor(keys, binding, { position, id }),
        );
      });
    },

    async get(reader: Reader, row: HandoffFacts): Promise<HandoffView> {
      const [view] = await engine.within(reader, (tx) => viewed(tx, reader.principal.tenant, [row]));
      return view ?? handoffView(row, new Map());
    },

    /** Hands something of a journey over, apart from its steps or for the one that is open. */
    async create(caller: Caller, body: CreateHandoff): Promise<Answer> {
      const { journeyId, stepId, from, to, mode = 'automatic', data, requiredData } = body;
      const journey = journeyId === '' ? undefined : await engine.look(caller, (tx) => findJourney(tx, caller.principal, journeyId));
      const rules = rulesOf(body, journey);
      if (journey === undefined) throw new Error('a handoff without a journey is refused by its rules');
      const isPersonal = await personalOf(caller, journey.templateKey, journey.templateVersion);
      const given = data === undefined ? null : takeTexts(caller, journey.id, data, { name: 'data', pointer: '/data', isPersonal });
      const fields = {
        from,
        to,
        mode,
        rules,
        ...(stepId === undefined ? {} : { step: stepId }),
        ...(given === null ? {} : { data: given.value }),
        ...(requiredData === undefined ? {} : { requiredData }),
      };
      const sent = await engine.command(caller, journey, 'createHandoff', fields, { roles: journey.roles, texts: given?.texts ?? [] });
      return created(caller, journey, sent === 'accepted' || sent === 'repeated' ? null : sent.said['handoff']);
    },

    accept: (caller: Caller, row: HandoffFacts): Promise<Answer> => run(caller, row, 'accept', {}),

    /** At an open vote a no, at an offer a refusal: who may do the one may not do the other. */
    reject(caller: Caller, row: HandoffFacts, { comment, ...fields }: RejectBody): Promise<Answer> {
      assertMay(caller, row.state === 'awaiting_approval' ? 'handoff.decide' : 'handoff.handle', row);
      const { fields: all, texts } = saying(caller, row, comment, fields);
      return run(caller, row, 'reject', all, { texts });
    },

    giveBack(caller: Caller, row: HandoffFacts, { comment, ...fields }: ReturnBody): Promise<Answer> {
      const { fields: all, texts } = saying(caller, row, comment, fields);
      return run(caller, row, 'return', all, { texts });
    },

    async complete(caller: Caller, row: HandoffFacts, { outcome, output }: CompleteBody): Promise<Answer> {
      const isPersonal = await personalOf(caller, row.templateKey, row.templateVersion);
      const given =
        output === undefined ? null : takeTexts(caller, row.journeyId, output, { name: 'output', pointer: '/output', isPersonal });
      const fields = { ...(outcome === undefined ? {} : { outcome }), ...(given === null ? {} : { output: given.value }) };
      return run(caller, row, 'complete', fields, { texts: given?.texts ?? [], base: '/output' });
    },

    cancel(caller: Caller, row: HandoffFacts, { comment }: CancelBody): Promise<Answer> {
      const { fields, texts } = saying(caller, row, comment, {});
      return run(caller, row, 'cancel', fields, { texts });
    },

    retry: (caller: Caller, row: HandoffFacts): Promise<Answer> => run(caller, row, 'retry', {}),

    approve(caller: Caller, row: HandoffFacts, { comment, ...fields }: ApproveBody): Promise<Answer> {
      const { fields: all, texts } = saying(caller, row, comment, fields);
      return run(caller, row, 'approve', all, { texts });
    },

    claim: (caller: Caller, row: HandoffFacts): Promise<Answer> => run(caller, row, 'claim', {}),
    unclaim: (caller: Caller, row: HandoffFacts): Promise<Answer> => run(caller, row, 'unclaim', {}),

    async assign(caller: Caller, row: HandoffFacts, { to }: AssignBody): Promise<Answer> {
      const { agent } = await engine.look(caller, (tx) => findAssignment(tx, caller.principal.tenant, { agent: to, team: null }));
      if (agent === null || !agent.active) throw unknownReference('/to');
      return run(caller, row, 'assign', { to });
    },
  };
}

/** With the comment as a text of the journey. */
function saying<Fields>(caller: Caller, { journeyId }: HandoffFacts, comment: string | undefined, fields: Fields) {
  const { id, texts } = oneText(caller, journeyId, 'comment', comment);
  return { fields: { ...fields, ...(id === undefined ? {} : { comment: id }) }, texts };
}

/** @throws Refusal `forbidden` */
function assertMay({ principal }: Caller, permission: Permission, { isMine }: HandoffFacts): void {
  if (permit(principal, permission, { addressed: isMine }) !== 'allowed') throw forbidden(permission);
}
