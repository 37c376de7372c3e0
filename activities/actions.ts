/** One attempt of an action: claimed in the ledger, called, recorded. Source: reliability.md, R1, R3 and R7; journeys.md, section 2. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Context, log } from '@temporalio/activity';
import { v5 as uuidFrom } from 'uuid';
import { withTenant } from '../db/client.js';
import type { Db, TenantTx } from '../db/client.js';
import { claimAction, releaseActions, settleAction } from '../db/queries/journey-actions.js';
import type { ActionClaim, ActionEnd } from '../db/queries/journey-actions.js';
import { findTexts, storeValues } from '../db/queries/journey-questions.js';
import { asTenantId } from '../domain/ids.js';
import type { TenantId } from '../domain/ids.js';
import { actionErrors, effectKey } from '../domain/journey/action.js';
import type { ActionDeclaration, ActionRequest, ActionResult } from '../domain/journey/action.js';
import { isObject, pointer } from '../domain/journey/json.js';
import type { Json, JsonObject } from '../domain/journey/json.js';
import { valueFaults } from '../domain/journey/json-schema.js';
import { second } from '../domain/time.js';
import type { Instant } from '../domain/time.js';
import type { RegisteredAction } from './actions/action.js';
import { PackageError } from './actions/ports.js';
import { contentIdsIn, declaredOf, withContents, withoutTexts } from './actions/texts.js';
import type { Kept } from './actions/texts.js';
import { judgeAction, noAnswer } from './actions/verdict.js';
import type { ActionVerdict } from './actions/verdict.js';
import type { JourneyActionActivities } from './contract.js';
import { codeOf, tryAgain } from './failures.js';

export interface ActionDeps {
  readonly db: Db;
  /** By `name@major`. */
  readonly actions: ReadonlyMap<string, RegisteredAction>;
  readonly now: () => Instant;
}

/** A call ends within this time, before the activity does: 25 s. */
const callLimit = 20 * second;
/** Of the time an attempt has, so much is left for recording its end. */
const reserve = 0.8;
/** An attempt that has not come back by then is lost. */
const leaseTime = 25 * second;
/** How often an attempt looks whether the one before it has come back. */
const lookPause = 250;
/** How long the end of a call that did happen is kept trying to be recorded, when PostgreSQL is away. */
const recordPauses: readonly number[] = [100, 300, 600, 1_000, 1_500];

export const createActionRunner = (deps: ActionDeps): JourneyActionActivities => ({
  async runAction(request) {
    const registered = deps.actions.get(request.effect);
    if (registered === undefined) return failed(actionErrors.unknownAction, false);
    const attempt = attemptOf(deps, request, registered.declaration);
    const claim = await claimed(deps, attempt);
    switch (claim.kind) {
      case 'answered':
        return { state: 'done', output: claim.output };
      case 'unknown':
        return { state: 'unknown', error: claim.error };
      case 'wait':
        return failed(actionErrors.timeout, true);
      case 'claimed':
        return recorded(deps, attempt, claim.attempt, await carriedOut(registered, attempt, claim.contents));
    }
  },
});

const failed = (error: string, retryable: boolean): ActionResult => ({ state: 'failed', error, retryable });

/** One call of the activity. */
interface Attempt {
  readonly request: ActionRequest;
  readonly declaration: ActionDeclaration;
  readonly tenant: TenantId;
  readonly key: string;
  /** Nobody waits for an answer after this instant. */
  readonly deadline: Instant;
  readonly signal: AbortSignal;
}

function attemptOf({ now }: ActionDeps, request: ActionRequest, declaration: ActionDeclaration): Attempt {
  const { info, cancellationSignal } = Context.current();
  const limit = info.startToCloseTimeoutMs > 0 ? info.startToCloseTimeoutMs : leaseTime;
  return {
    request,
    declaration,
    tenant: asTenantId(request.tenant),
    key: effectKey(request),
    deadline: now() + limit,
    signal: AbortSignal.any([cancellationSignal, AbortSignal.timeout(Math.min(callLimit, Math.floor(limit * reserve)))]),
  };
}

/** With the texts of the input, when it is this attempt's turn. */
type Claimed =
  | Exclude<ActionClaim, { readonly kind: 'claimed' }>
  | (Extract<ActionClaim, { readonly kind: 'claimed' }> & { readonly contents: Contents });
type Contents = ReadonlyMap<string, Json>;

/** Waits for an attempt that may still be under way, where a second effect must not be. */
async function claimed(deps: ActionDeps, attempt: Attempt): Promise<Claimed> {
  for (;;) {
    const claim = await inTenant(deps, attempt, (tx) => claimOnce(tx, attempt, deps.now()));
    if (claim.kind !== 'wait' || attempt.signal.aborted) return claim;
    await sleep(Math.min(lookPause, Math.max(claim.until - deps.now(), 1)), undefined, { signal: attempt.signal }).catch(() => undefined);
  }
}

async function claimOnce(tx: TenantTx, { request, declaration, tenant, key }: Attempt, now: Instant): Promise<Claimed> {
  const { journeyId, step, visit, item, effect: action } = request;
  const effect = { tenant, key, journeyId, step, visit, item, action, effect: declaration.effect };
  if (request.release === true) await releaseActions(tx, tenant, { journeyId, step, visit }, now);
  const claim = await claimAction(tx, effect, { until: now + leaseTime, lost: noAnswer }, now);
  return claim.kind === 'claimed' ? { ...claim, contents: await findTexts(tx, tenant, contentIdsIn(request.input)) } : claim;
}

/** An answer fit to be recorded, or what follows from there being none. */
type Answer = { readonly kind: 'answer'; readonly output: JsonObject; readonly texts: Kept['texts'] } | ActionVerdict;

const refused = (error: string): ActionVerdict => ({ kind: 'failed', error, retryable: false });

/** Throws nothing: whatever happens here has to be recorded. */
async function carriedOut(
  { declaration, run }: RegisteredAction,
  { request, tenant, key, signal }: Attempt,
  contents: Contents,
): Promise<Answer> {
  if (contentIdsIn(request.input).some((id) => !contents.has(id))) return refused(actionErrors.contentMissing);
  const input = withContents(request.input, contents);
  if (!isObject(input) || valueFaults(declaration.input, input).length > 0) return refused(actionErrors.invalidInput);
  try {
    return answerOf(await run(input, { tenant, key, signal }), declaration, { tenant, key, pii: request.pii ?? [] });
  } catch (error) {
    // What a package said is in the ledger; anything else is a fault of ours.
    if (!(error instanceof PackageError)) log.warn('an action broke off', { action: request.effect, key, error });
    return judgeAction(error, declaration);
  }
}

function answerOf(
  answer: JsonObject,
  { effect, output: schema }: ActionDeclaration,
  { tenant, key, pii }: Pick<Attempt, 'tenant' | 'key'> & { readonly pii: readonly string[] },
): Answer {
  const declared = declaredOf(answer, schema);
  const { value, texts, noIds } = withoutTexts(
    declared,
    schema,
    (path) => uuidFrom(`${key}#${path}`, tenant),
    (path) => pii.some((name) => path === pointer(name)),
  );
  if (isObject(value) && noIds.length === 0 && valueFaults(schema, declared).length === 0) return { kind: 'answer', output: value, texts };
  // It was done, only nobody can use what came of it: another attempt could do it once more.
  return { kind: effect === 'once' ? 'unknown' : 'failed', error: actionErrors.invalidOutput, retryable: false };
}

/** Keeps trying for a few seconds: what is not recorded now can only be called unknown later. */
async function recorded(
  deps: ActionDeps,
  attempt: Attempt,
  number: number,
  answer: Answer,
  pauses: readonly number[] = recordPauses,
): Promise<ActionResult> {
  const { tenant, key, request, deadline } = attempt;
  const late = deps.now() > deadline;
  const end: ActionEnd =
    answer.kind === 'answer'
      ? { state: 'done', output: answer.output, late }
      : { state: answer.kind === 'failed' ? 'failed' : 'unknown', error: answer.error };
  const settle = async (tx: TenantTx): Promise<boolean> => {
    if (answer.kind === 'answer') {
      const values = answer.texts.map(({ id, text: value }) => ({ id, value }));
      await storeValues(tx, tenant, request.journeyId, values);
    }
    return settleAction(tx, { tenant, key, attempt: number }, end, deps.now());
  };
  let mine: boolean;
  try {
    mine = await withTenant(deps.db, tenant, settle);
  } catch (error) {
    const [pause, ...rest] = pauses;
    if (pause === undefined) throw tryAgain('action.retry', [codeOf(error)]);
    await sleep(pause);
    return recorded(deps, attempt, number, answer, rest);
  }
  if (answer.kind === 'answer') return { state: 'done', output: answer.output, ...(mine && !late ? {} : { late: true }) };
  if (answer.kind === 'unknown') return { state: 'unknown', error: answer.error };
  return failed(answer.error, answer.retryable);
}

/** Errors of the database may quote what it was asked; Temporal must see none. */
async function inTenant<T>({ db }: ActionDeps, { tenant }: Attempt, work: (tx: TenantTx) => Promise<T>): Promise<T> {
  try {
    return await withTenant(db, tenant, work);
  } catch (error) {
    throw tryAgain('action.retry', [codeOf(error)]);
  }
}
