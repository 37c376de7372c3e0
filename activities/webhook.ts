/** Sends events to endpoints of tenants: signed, in one attempt each, with all that follows from the answer. Source: api-surfaces.md, section 2. */
import { activityInfo, cancellationSignal, log } from '@temporalio/activity';
import { setTimeout as sleep } from 'node:timers/promises';
import { withTenant } from '../db/client.js';
import type { Db, TenantTx } from '../db/client.js';
import { recordAdminEvent } from '../db/queries/admin-log.js';
import type { SecretBox } from '../db/secret-box.js';
import { toldOf } from '../db/queries/stream.js';
import { claimWebhook, settleWebhook } from '../db/queries/webhook-attempts.js';
import type { ClaimedWebhook, WebhookEnd } from '../db/queries/webhook-attempts.js';
import { disableEndpoint } from '../db/queries/webhook-endpoints.js';
import type { TenantId } from '../domain/ids.js';
import { second, toDate } from '../domain/time.js';
import type { Instant } from '../domain/time.js';
import { webhookBody } from '../domain/webhook/body.js';
import { afterAttempt, busyPause, givenUp } from '../domain/webhook/schedule.js';
import type { GivenUp } from '../domain/webhook/schedule.js';
import { secretOwner } from '../domain/webhook/signature.js';
import { judge } from '../domain/webhook/verdict.js';
import type { Answer } from '../domain/webhook/verdict.js';
import type { WebhookActivities } from './contract.js';
import { tryAgain, withoutText } from './failures.js';
import { createOwnerNotice } from './webhook-notice.js';
import type { OwnerNoticeDeps } from './webhook-notice.js';

/** One signed request. */
export interface OutgoingWebhook {
  readonly url: string;
  /** The id of the event: the same in every attempt and replay. */
  readonly id: string;
  readonly timestampS: number;
  readonly body: string;
  /** Each signs. */
  readonly secrets: readonly Uint8Array[];
}

export interface WebhookSender {
  /** Sends once, and never throws: what came back is the answer. */
  send(
    webhook: OutgoingWebhook,
    signal: AbortSignal,
  ): Promise<{ readonly answer: Answer; /** What it said; null: nothing. */ readonly text: string | null }>;
}

export interface WebhookDeps extends OwnerNoticeDeps {
  readonly db: Db;
  readonly webhooks: WebhookSender;
  readonly secrets: SecretBox;
  /** Told how each attempt ended. */
  readonly onWebhook: (outcome: 'succeeded' | 'failed' | 'gone') => void;
  /** Told that an endpoint was disabled, and why. */
  readonly onWebhookDisabled: (cause: GivenUp) => void;
  /** A new UUID. */
  readonly newId: () => string;
  /** Between 0 and 1. */
  readonly chance: () => number;
  readonly now: () => Instant;
}

/** The activity is over after 25 s, and no attempt outlives its activity. */
const lease = 25 * second;
/** Of what the receiver said. Source: api-surfaces.md, section 2. */
const keptBytes = 1_024;
/** How long the end of an attempt is kept trying to be recorded, when PostgreSQL is away. */
const recordPauses: readonly number[] = [100, 300, 600, 1_000, 1_500];

export function createWebhooks(deps: WebhookDeps): WebhookActivities {
  const { db, secrets, webhooks, newId, chance, now, onWebhook, onWebhookDisabled } = deps;
  const inTenant = <T>(tenant: TenantId, work: (tx: TenantTx) => Promise<T>): Promise<T> =>
    withoutText('webhook.retry', () => withTenant(db, tenant, work));

  const send = async (claimed: ClaimedWebhook) => {
    const { tenant, endpoint, url, event, text } = claimed;
    const timestampS = Math.floor(now() / second);
    const body = webhookBody(tenant, toldOf(event), text);
    const opened = claimed.secrets.map((sealed) => secrets.open(secretOwner(tenant, endpoint), sealed));
    return webhooks.send({ url, id: event.id, timestampS, body, secrets: opened }, cancellationSignal());
  };

  /** @returns why the endpoint was disabled by it, if it was; undefined: another attempt has the delivery */
  const settle = (claimed: ClaimedWebhook, end: WebhookEnd): Promise<GivenUp | null | undefined> =>
    withTenant(db, claimed.tenant, async (tx) => {
      const { tenant, endpoint, event, goodSince } = claimed;
      if (!(await settleWebhook(tx, claimed, end))) return undefined;
      const cause = givenUp(end.verdict, end.after, event.type, goodSince, end.now);
      if (cause === null) return null;
      await disableEndpoint(tx, tenant, endpoint, cause, toDate(end.now));
      const doer = { tenant, actor: 'system/webhooks', role: 'system', commandId: `webhook/${claimed.delivery}/${claimed.n}` };
      await recordAdminEvent(tx, doer, { subject: `webhook_endpoint/${endpoint}`, type: 'webhook_endpoint.disabled', data: { cause } });
      return cause;
    });

  return {
    async attemptWebhook({ tenant, delivery, round }) {
      const begun = now();
      const request = { tenant, delivery, round, lease: newId(), leaseMs: lease, now: begun };
      const claim = await inTenant(tenant, (tx) => claimWebhook(tx, request));
      if (claim.kind === 'over') return { state: claim.state, disabled: claim.untold };
      if (claim.kind === 'wait') throw tryAgain('webhook.retry', ['not_yet'], claim.until - now(), true);
      if (claim.kind === 'busy') throw tryAgain('webhook.retry', ['busy'], busyPause(activityInfo().attempt - 1, chance()), true);
      const { webhook } = claim;
      const { answer, text } = await send(webhook).catch(() => unreadable);
      const verdict = judge(answer, now());
      const after = afterAttempt(verdict, { type: webhook.event.type, failed: webhook.failed, chance: chance() });
      const end = {
        verdict,
        after,
        status: answer.kind === 'answered' ? answer.status : null,
        answer: text === null ? null : cut(text),
        durationMs: now() - begun,
        now: now(),
      };
      const cause = await withoutText('webhook.retry', () => patiently(() => settle(webhook, end)));
      onWebhook(verdict.kind);
      if (cause === undefined) throw tryAgain('webhook.retry', ['taken_over'], 1, true);
      if (cause !== null) {
        onWebhookDisabled(cause);
        log.warn('a webhook endpoint was disabled', { endpoint: webhook.endpoint, cause });
      }
      if (after.state === 'pending') throw tryAgain('webhook.retry', [verdict.code], after.pauseMs, true);
      return { state: after.state, disabled: cause !== null };
    },

    tellOwner: createOwnerNotice(deps),
  };
}

/** Its secret was sealed with a key that is not there any more: only a new secret helps, and until then nothing can be sent. */
const unreadable: Awaited<ReturnType<WebhookSender['send']>> = { answer: { kind: 'lost', reason: 'secret_unreadable' }, text: null };

/** What PostgreSQL can keep of the beginning of a text. */
const cut = (text: string): string =>
  Buffer.from(text.replaceAll('\u0000', ''))
    .subarray(0, keptBytes)
    .toString()
    .replace(/\uFFFD$/, '');

/** An attempt that was made and not recorded would be made again. */
async function patiently<T>(work: () => Promise<T>, pauses: readonly number[] = recordPauses): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const [pause, ...rest] = pauses;
    if (pause === undefined) throw error;
    await sleep(pause);
    return patiently(work, rest);
  }
}
