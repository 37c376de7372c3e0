/** How readers of the reference page sign in: by the code flow with PKCE, at the provider the settings name. */
import { z } from 'zod';
import type { Deps } from '../deps.js';
import { getJson } from '../../reach.js';

export interface DocsSignIn {
  readonly clientId: string;
  readonly authorizationUrl: string;
  readonly tokenUrl: string;
}

const Discovery = z.looseObject({
  issuer: z.string(),
  authorization_endpoint: z.url({ protocol: /^https?$/ }),
  token_endpoint: z.url({ protocol: /^https?$/ }),
});

const freshMs = 600_000;
const pauseMs = 5_000;

/** @returns where to sign in; null without a provider, or while it does not say: the page works all the same, with keys */
export function createDocsSignIn({ signIn, now, log }: Pick<Deps, 'signIn' | 'now' | 'log'>): () => Promise<DocsSignIn | null> {
  let known: { readonly answer: Promise<DocsSignIn | null>; until: number } | undefined;

  const ask = async (issuer: string, clientId: string): Promise<DocsSignIn> => {
    const options = { anywhere: signIn.privateTargets, timeoutMs: 2_000, mostBytes: 64 * 1024 };
    const found = Discovery.parse(await getJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, options));
    if (found.issuer !== issuer) throw new Error('the discovery document is of another issuer');
    return { clientId, authorizationUrl: found.authorization_endpoint, tokenUrl: found.token_endpoint };
  };

  return () => {
    const { docs } = signIn;
    if (docs === undefined) return Promise.resolve(null);
    if (known !== undefined && known.until > now()) return known.answer;
    const asked = ask(docs.issuer, docs.clientId);
    const entry = { answer: asked.catch(() => null), until: now() + freshMs };
    known = entry;
    asked.catch((error: unknown) => {
      entry.until = now() + pauseMs;
      log.warn({ reason: error instanceof Error ? error.message : 'unknown' }, 'no sign-in for the reference page');
    });
    return entry.answer;
  };
}
