/** The verbs of journeys. Source: journeys.md, sections 3 and 7. */
import type { Caller } from '../caller.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import type { Answer } from '../middleware/idempotency.js';
import { forbidden } from '../forbidden.js';
import { unknownReference } from '../tickets/refusals.js';
import type { JourneyEngine, Sending, Sent } from './engine.js';
import { takeOutput } from './output.js';
import type { Completion } from './output.js';
import type { JourneyReads } from './reads.js';
import type {
  AdvanceBody,
  AssignTaskBody,
  ChangedJourney,
  CompleteTaskBody,
  CompleteWithBody,
  GotoBody,
  PauseBody,
  RepairBody,
  ResumeBody,
  RetryBody,
  SkipBody,
  TaskBody,
} from './schema.js';
import { oneText, takeTexts } from './texts.js';
import type { Given } from './texts.js';
import { acceptedJourney } from './view.js';
import { findAssignment } from '../../db/queries/directory.js';
import { findRunTemplate } from '../../db/queries/journeys.js';
import type { JourneyFacts } from '../../db/queries/journeys.js';
import type { CompiledTemplate } from '../../domain/journey/compile.js';
import { own, segmentsOf } from '../../domain/journey/json.js';
import type { JourneyCommandFields, JourneyVerb } from '../../domain/journey/run/command.js';
import type { JourneyAnswer } from '../../workflows/journey/messages.js';

export type JourneyService = ReturnType<typeof createJourneyService>;

export function createJourneyService(
  { log }: Pick<Deps, 'log'>,
  engine: Pick<JourneyEngine, 'look' | 'within' | 'command'>,
  reads: Pick<JourneyReads, 'find'>,
) {
  /** The journey as stored, or what the workflow said of it when the database cannot tell. */
  const finish = async (caller: Caller, row: JourneyFacts, sent: Sent<JourneyAnswer>): Promise<Answer> => {
    const location = `/v1/journeys/${row.id}`;
    if (sent === 'accepted') {
      return {
        status: 202,
        body: { id: row.id, commandId: caller.commandId },
        headers: { location, 'preference-applied': 'respond-async' },
      };
    }
    const code = sent !== 'repeated' && sent.said['already_recorded'] === true ? ({ code: 'already_recorded' } as const) : {};
    try {
      const found = sent === 'repeated' || sent.projected ? await reads.find(caller, row.id) : undefined;
      if (found !== undefined) {
        const body: ChangedJourney = { ...found.view, ...code };
        return { status: 200, body, headers: { etag: found.etag } };
      }
    } catch (error) {
      if (sent === 'repeated') throw error;
      log.warn({ journey: row.id, reason: error instanceof Error ? error.message : 'unknown' }, 'accepted, but not read back');
    }
    if (sent === 'repeated') throw new Refusal('not_found');
    const headers = { location, etag: `"${sent.version}"`, 'usher-projection': 'pending', 'retry-after': '2' };
    return { status: 202, body: { ...acceptedJourney(sent.view, row.name ?? row.templateKey), ...code }, headers };
  };

  const run = async <Verb extends JourneyVerb>(
    caller: Caller,
    row: JourneyFacts,
    verb: Verb,
    fields: JourneyCommandFields[Verb],
    sending: Sending = {},
  ): Promise<Answer> => finish(caller, row, await engine.command(caller, row, verb, fields, { roles: row.roles, ...sending }));

  /** What its template says, if it is there. */
  const templateOf = async (caller: Caller, { templateKey, templateVersion }: JourneyFacts): Promise<CompiledTemplate | null> =>
    (await engine.look(caller, (tx) => findRunTemplate(tx, caller.principal.tenant, templateKey, templateVersion)))?.compiled ?? null;

  /** What a step is completed with: checked against its form before its texts are taken out. */
  const outputOf = async (caller: Caller, row: JourneyFacts, sent: Completion): Promise<Given | null> =>
    sent.output === undefined ? null : takeOutput(caller, row, await templateOf(caller, row), sent);

  const contextOf = async (caller: Caller, row: JourneyFacts, patch: unknown, base: string): Promise<Given> => {
    const template = await templateOf(caller, row);
    const variables = Object.entries(template?.context ?? {});
    return takeTexts(caller, row.id, patch, {
      name: 'context',
      pointer: base,
      schema: { properties: Object.fromEntries(variables.map(([name, { schema }]) => [name, schema])) },
      isPersonal: (path) => own(template?.context ?? {}, segmentsOf(path)[0] ?? '')?.pii === true,
    });
  };

  return {
    /** An agent advances steps of his own. */
    async advance(caller: Caller, row: JourneyFacts, body: AdvanceBody): Promise<Answer> {
      if (body.expectStep !== undefined) assertMine(caller, row, body.expectStep);
      const { output: _, ...fields } = body;
      const given = await outputOf(caller, row, body);
      return run(
        caller,
        row,
        'advance',
        { ...fields, ...(given === null ? {} : { output: given.value }) },
        { texts: given?.texts ?? [], base: '/output' },
      );
    },

    async updateContext(caller: Caller, row: JourneyFacts, patch: Readonly<Record<string, unknown>>): Promise<Answer> {
      const { value, texts } = await contextOf(caller, row, patch, '');
      return run(caller, row, 'updateContext', { patch: value }, { texts });
    },

    pause: (caller: Caller, row: JourneyFacts, { reason, ...fields }: PauseBody): Promise<Answer> =>
      run(caller, row, 'pause', fields, reasoned(caller, row, required(reason))),

    resume: (caller: Caller, row: JourneyFacts, { reason, ...fields }: ResumeBody): Promise<Answer> =>
      run(caller, row, 'resume', fields, reasoned(caller, row, reason)),

    cancel: (caller: Caller, row: JourneyFacts, { reason }: RepairBody): Promise<Answer> =>
      run(caller, row, 'cancel', {}, reasoned(caller, row, required(reason))),

    compensateAndEnd: (caller: Caller, row: JourneyFacts, { reason }: RepairBody): Promise<Answer> =>
      run(caller, row, 'compensateAndEnd', {}, reasoned(caller, row, required(reason))),

    async retry(caller: Caller, row: JourneyFacts, step: string, { input, reason, ...at }: RetryBody): Promise<Answer> {
      const given = input === undefined ? null : takeTexts(caller, row.id, input, { name: 'input', pointer: '/input' });
      const why = reasoned(caller, row, reason);
      const fields = { step, ...at, ...(given === null ? {} : { input: given.value }) };
      return run(caller, row, 'retry', fields, { ...why, texts: [...why.texts, ...(given?.texts ?? [])] });
    },

    async completeWith(
      caller: Caller,
      row: JourneyFacts,
      step: string,
      { reason, output, outcome, ...at }: CompleteWithBody,
    ): Promise<Answer> {
      const why = reasoned(caller, row, required(reason));
      const given = await outputOf(caller, row, { outcome, expectStep: step, ...(output === undefined ? {} : { output }) });
      const fields = { step, outcome, ...at, ...(given === null ? {} : { output: given.value }) };
      return run(caller, row, 'completeWith', fields, { ...why, texts: [...why.texts, ...(given?.texts ?? [])], base: '/output' });
    },

    skip: (caller: Caller, row: JourneyFacts, step: string, { reason, ...at }: SkipBody): Promise<Answer> =>
      run(caller, row, 'skip', { step, ...at }, reasoned(caller, row, required(reason))),

    async goTo(caller: Caller, row: JourneyFacts, step: string, { reason, context, ...fields }: GotoBody): Promise<Answer> {
      const why = reasoned(caller, row, required(reason));
      const given = context === undefined ? null : await contextOf(caller, row, context, '/context');
      const told = { step, ...fields, ...(given === null ? {} : { context: given.value }) };
      return run(caller, row, 'goto', told, { ...why, texts: [...why.texts, ...(given?.texts ?? [])], base: '/context' });
    },

    claim(caller: Caller, row: JourneyFacts, step: string, at: TaskBody): Promise<Answer> {
      assertMine(caller, row, step);
      return run(caller, row, 'claim', { step, ...at });
    },

    unclaim(caller: Caller, row: JourneyFacts, step: string, at: TaskBody): Promise<Answer> {
      assertMine(caller, row, step);
      return run(caller, row, 'unclaim', { step, ...at });
    },

    async assign(caller: Caller, row: JourneyFacts, step: string, { to, ...at }: AssignTaskBody): Promise<Answer> {
      assertMine(caller, row, step);
      const { agent } = await engine.look(caller, (tx) => findAssignment(tx, caller.principal.tenant, { agent: to, team: null }));
      if (agent === null || !agent.active) throw unknownReference('/to');
      return run(caller, row, 'assign', { step, to, ...at });
    },

    /** `advance` that expects this step. */
    async complete(caller: Caller, row: JourneyFacts, step: string, body: CompleteTaskBody): Promise<Answer> {
      assertMine(caller, row, step);
      const { output: _, ...fields } = body;
      const given = await outputOf(caller, row, { ...body, expectStep: step });
      const told = { expectStep: step, ...fields, ...(given === null ? {} : { output: given.value }) };
      return run(caller, row, 'advance', told, { texts: given?.texts ?? [], base: '/output' });
    },
  };
}

/** @throws Refusal `forbidden` when an agent reaches for a step that is not his own */
function assertMine({ principal: { role } }: Caller, { mine }: JourneyFacts, step: string): void {
  if (role === 'agent' && !mine.includes(step)) throw forbidden('journey.advance');
}

/** A reason becomes a text of the journey. */
function reasoned(
  caller: Caller,
  { id: journeyId }: JourneyFacts,
  reason: string | undefined,
): Required<Pick<Sending, 'reason' | 'texts'>> {
  const { id, texts } = oneText(caller, journeyId, 'reason', reason);
  return { reason: id, texts };
}

/** @throws Refusal `reason_required` */
function required(reason: string | undefined): string {
  if (reason === undefined) throw new Refusal('reason_required');
  return reason;
}
