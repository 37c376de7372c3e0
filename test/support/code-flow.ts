/** Signs in as a browser would: authorization code with PKCE, redirects and cookies by hand. */
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';

const Discovery = z.looseObject({ issuer: z.string(), authorization_endpoint: z.string(), token_endpoint: z.string() });
const Granted = z.looseObject({ access_token: z.string(), token_type: z.string(), expires_in: z.number() });

export interface CodeFlow {
  readonly issuer: string;
  readonly clientId: string;
  readonly redirectUri: string;
  /** Who is chosen on the sign-in page. */
  readonly login: string;
}

/** @returns the access token; throws what the provider says when it gives none */
export async function signInAs({ issuer, clientId, redirectUri, login }: CodeFlow): Promise<string> {
  const found = Discovery.parse(await (await fetch(`${issuer}/.well-known/openid-configuration`)).json());
  const verifier = randomBytes(32).toString('base64url');
  const asked = new URL(found.authorization_endpoint);
  const parameters = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: 'openid email',
    state: 'here',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(parameters)) asked.searchParams.set(name, value);
  const cookies = new Map<string, string>();
  let next = { url: asked.href, body: undefined as string | undefined };
  for (let step = 0; step < 10; step += 1) {
    const response = await fetch(next.url, {
      redirect: 'manual',
      method: next.body === undefined ? 'GET' : 'POST',
      headers: {
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(next.body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(next.body === undefined ? {} : { body: next.body }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) {
      if (response.status !== 200 || next.body !== undefined)
        throw new Error(`sign-in ended with ${response.status}: ${await response.text()}`);
      next = { url: next.url, body: new URLSearchParams({ login }).toString() };
      continue;
    }
    const target = new URL(location, next.url);
    if (!target.href.startsWith(redirectUri)) {
      next = { url: target.href, body: undefined };
      continue;
    }
    const code = target.searchParams.get('code');
    if (code === null || target.searchParams.get('state') !== 'here') throw new Error(`no code: ${target.search}`);
    const traded = await fetch(found.token_endpoint, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        client_id: clientId,
        redirect_uri: redirectUri,
        code_verifier: verifier,
      }),
    });
    if (!traded.ok) throw new Error(`no token: ${traded.status} ${await traded.text()}`);
    return Granted.parse(await traded.json()).access_token;
  }
  throw new Error('the sign-in goes round in circles');
}
