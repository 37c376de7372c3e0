/** Hooks: made, given other secrets and taken away by administrators. Source: api-surfaces.md, section 3. */
import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { assertRevision, doerOf, etagOf, unlessTaken } from '../administration.js';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso, isoOrNull } from '../tickets/view.js';
import { hookOwner, refused } from './known.js';
import { publicKeyOf } from './mail.js';
import type { CreateHook, HookQuery, HookView, RotateHook } from './schema.js';
import { recordAdminEvent } from '../../db/queries/admin-log.js';
import { deleteHook, findHook, hookPath, insertHook, listHooks, replaceHookSecret } from '../../db/queries/hooks.js';
import type { HookRecord } from '../../db/queries/hooks.js';
import type { TenantId } from '../../domain/ids.js';
import { hour } from '../../domain/time.js';
import type { HookProvider } from '../../domain/webhook/incoming.js';
import { secretBytes, secretPrefix } from '../../domain/webhook/signature.js';

export type HookService = ReturnType<typeof createHookService>;

const subjectOf = (id: string) => `hook/${id}` as const;

/** What providers sign with is theirs to make. */
const theirSecrets: Partial<Record<HookProvider, string>> = {
  twilio: 'must be the auth token of the account at Twilio',
  mailgun: 'must be the HTTP webhook signing key of the account at Mailgun',
  sendgrid: 'must be the public key that SendGrid shows for its signatures',
};

/** @throws Refusal `invalid_request` where the provider makes the secret, and it is missing or can be none */
function secretFor(provider: HookProvider, given: string | undefined): string {
  const rule = theirSecrets[provider];
  if (rule === undefined) return given ?? secretPrefix + randomBytes(secretBytes).toString('base64');
  if (given === undefined || given.startsWith(secretPrefix) || (provider === 'sendgrid' && !isPublicKey(given)))
    throw refused('/secret', rule);
  return given;
}

function isPublicKey(text: string): boolean {
  try {
    publicKeyOf(text);
    return true;
  } catch {
    return false;
  }
}

export function createHookService({ keys, webhooks, now }: Pick<Deps, 'keys' | 'webhooks' | 'now'>, engine: Pick<TicketEngine, 'within'>) {
  const sealed = (tenant: TenantId, id: string, secret: string): Buffer =>
    webhooks.secrets.seal(hookOwner(tenant, id), Buffer.from(secret));

  return {
    async list(reader: Reader, { limit, cursor }: HookQuery): Promise<Page<HookView>> {
      const binding = cursorBinding(reader.principal, 'hook-endpoints', {});
      const after = cursor === undefined ? {} : { after: readCursor(keys, binding, cursor).id };
      const rows = await engine.within(reader, (tx) => listHooks(tx, reader.principal.tenant, { limit, ...after }));
      return pageOf(rows, limit, hookView, ({ id }) => writeCursor(keys, binding, { position: '', id }));
    },

    async get(reader: Reader, id: string): Promise<HookView> {
      const found = await engine.within(reader, (tx) => findHook(tx, reader.principal.tenant, id));
      if (found === undefined) throw new Refusal('not_found');
      return hookView(found);
    },

    async create(caller: Caller, { secret: given, ...fields }: CreateHook): Promise<Answer> {
      const { tenant, actor } = caller.principal;
      const id = v7();
      const secret = secretFor(fields.provider, given);
      if (fields.provider === 'mailgun' && !fields.name.endsWith('mime'))
        throw refused('/name', 'must end with mime: only to such addresses Mailgun brings the raw mail');
      const made = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        await unlessTaken('/name', insertHook(tx, tenant, { id, ...fields, secret: sealed(tenant, id, secret), createdBy: actor }));
        const { provider, name } = fields;
        await recordAdminEvent(tx, doerOf(caller), { subject: subjectOf(id), type: 'hook.added', data: { provider, name } });
        return findHook(tx, tenant, id);
      });
      const view = viewOf(made);
      return {
        status: 201,
        body: { ...view, secret },
        kept: { ...view, secret: null },
        headers: { location: `/v1/hook-endpoints/${id}`, etag: etagOf(view) },
      };
    },

    /** Puts another secret in its place; both count until the overlap is over. */
    async rotate(caller: Caller, id: string, { overlapHours, secret: given }: RotateHook): Promise<Answer> {
      const { tenant } = caller.principal;
      const { secret, changed } = await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const present = await findHook(tx, tenant, id, true);
        if (present === undefined) throw new Refusal('not_found');
        const next = secretFor(present.provider, given);
        await replaceHookSecret(tx, tenant, id, sealed(tenant, id, next), new Date(now() + overlapHours * hour));
        await recordAdminEvent(tx, doerOf(caller), { subject: subjectOf(id), type: 'hook.secret_rotated', data: { overlapHours } });
        return { secret: next, changed: await findHook(tx, tenant, id) };
      });
      const view = viewOf(changed);
      return { status: 200, body: { ...view, secret }, kept: { ...view, secret: null } };
    },

    async remove(caller: Caller, id: string): Promise<Answer> {
      const { tenant } = caller.principal;
      await engine.within(caller, async (tx) => {
        await takeKey(tx, caller);
        const present = await findHook(tx, tenant, id, true);
        if (present === undefined) throw new Refusal('not_found');
        assertRevision(caller, present.revision);
        await deleteHook(tx, tenant, id);
        await recordAdminEvent(tx, doerOf(caller), { subject: subjectOf(id), type: 'hook.removed' });
      });
      return { status: 204 };
    },
  };
}

function viewOf(row: HookRecord | undefined): HookView {
  if (row === undefined) throw new Error('a hook just stored is not there');
  return hookView(row);
}

const hookView = ({ tenantKey, oldSecretUntil, createdAt, updatedAt, ...rest }: HookRecord): HookView => ({
  ...rest,
  path: hookPath({ ...rest, tenantKey }),
  oldSecretUntil: isoOrNull(oldSecretUntil),
  createdAt: iso(createdAt),
  updatedAt: iso(updatedAt),
});
