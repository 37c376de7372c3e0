/** The hook behind an address, with the secrets that count, and how callbacks are refused. Source: api-surfaces.md, section 3. */
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { findSignedHook } from '../../db/queries/hooks.js';
import type { SignedHook } from '../../db/queries/hooks.js';
import type { TenantId } from '../../domain/ids.js';
import type { HookProvider } from '../../domain/webhook/incoming.js';

/** Whose a sealed secret is. */
export const hookOwner = (tenant: TenantId, hook: string): string => `${tenant}/hook/${hook}`;

/** A hook that may be called. */
export interface OpenHook extends Omit<SignedHook, 'sealed'> {
  /** The present one, and the one before while it counts. */
  readonly secrets: readonly Buffer[];
}

/**
 * Looks a hook up, before anything of the body is read.
 *
 * @param address `<tenant>.<name>`
 * @throws Refusal `not_found`
 */
export type HookOpener = (provider: HookProvider, address: string) => Promise<OpenHook>;

export const createHookOpener =
  ({ db, webhooks, now }: Pick<Deps, 'db' | 'webhooks' | 'now'>): HookOpener =>
  async (provider, address) => {
    const [tenant = '', name = ''] = address.split('.');
    const found = await findSignedHook(db, { tenant, provider, name }, new Date(now()));
    if (found === undefined) throw new Refusal('not_found');
    const { sealed, ...hook } = found;
    return { ...hook, secrets: sealed.map((secret) => webhooks.secrets.open(hookOwner(hook.tenant, hook.id), secret)) };
  };

/** A callback that is well signed and cannot be read. */
export const refused = (pointer: string, message: string): Refusal =>
  new Refusal('invalid_request', { errors: [{ pointer, code: 'invalid', message }] });

export const stale = (): Refusal => new Refusal('signature_invalid', { detail: 'It was signed too long ago, or too far from now.' });
