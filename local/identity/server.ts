/** A real OpenID provider for the demo: it asks who somebody wants to be, and believes them. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';
import type { Configuration, ResourceServer } from 'oidc-provider';
import { z } from 'zod';
import type { Log } from '../log.js';
import { writeWhole } from '../state-folder.js';
import { demoAudience, docsClient } from './names.js';
import { choicePage } from './page.js';
import type { DemoPerson } from './people.js';

const tokenSeconds = 3_600;

export interface IdentityOptions {
  /** 0 is not possible: its own address is part of every token. */
  readonly port: number;
  /** Where its keys are kept, so that tokens outlive a restart. */
  readonly dir: string;
  readonly people: readonly DemoPerson[];
  /** Where the reference page is told the code. */
  readonly redirectUris: readonly string[];
  readonly log: Log;
}

export interface Identity extends AsyncDisposable {
  /** The issuer, to the letter. */
  readonly url: string;
  stop(): Promise<void>;
}

const Keys = z.object({ keys: z.array(z.looseObject({ kty: z.string() })), cookies: z.array(z.string()) });

/** Starts the provider in this process. */
export async function startIdentity({ port, dir, people, redirectUris, log }: IdentityOptions): Promise<Identity> {
  const url = `http://127.0.0.1:${port}`;
  const { keys, cookies } = await loadKeys(dir);
  const provider = new Provider(url, { ...configuration(people, redirectUris), jwks: { keys }, cookies: { keys: cookies } });
  provider.on('server_error', (_, error) => log(`identity: ${error.message}`));
  const answer = provider.callback();
  const server = createServer((request, response) => {
    const uid = /^\/interaction\/[A-Za-z0-9_-]+$/.test(request.url ?? '');
    if (request.url === '/') return void response.writeHead(200, { 'content-type': 'text/plain' }).end('OpenID provider of the demo\n');
    if (!uid) return void answer(request, response);
    interact(provider, people, request, response).catch((error: unknown) => {
      log(`identity: ${error instanceof Error ? error.message : String(error)}`);
      response.writeHead(400, { 'content-type': 'text/plain' }).end('This sign-in has expired. Begin again where you came from.\n');
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url, stop, [Symbol.asyncDispose]: stop };
}

async function loadKeys(dir: string): Promise<z.output<typeof Keys>> {
  const file = join(dir, 'keys.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text !== undefined) return Keys.parse(JSON.parse(text));
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const key = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: randomBytes(6).toString('hex') };
  const made = Keys.parse({ keys: [key], cookies: [randomBytes(24).toString('base64url')] });
  await mkdir(dir, { recursive: true });
  await writeWhole(file, `${JSON.stringify(made)}\n`);
  return made;
}

function configuration(people: readonly DemoPerson[], redirectUris: readonly string[]): Configuration {
  const server: ResourceServer = {
    scope: 'desk',
    audience: demoAudience,
    accessTokenFormat: 'jwt',
    accessTokenTTL: tokenSeconds,
    jwt: { sign: { alg: 'RS256' } },
  };
  const origins = new Set(redirectUris.map((address) => new URL(address).origin));
  const claimsOf = (login: string): { sub: string; name?: string; email?: string; email_verified?: boolean } => {
    const person = people.find((one) => one.login === login);
    return person === undefined ? { sub: login } : { sub: person.login, name: person.name, email: person.email, email_verified: true };
  };
  return {
    clients: [
      {
        client_id: docsClient,
        client_name: 'Usher API reference',
        token_endpoint_auth_method: 'none',
        redirect_uris: [...redirectUris],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    scopes: ['openid', 'email', 'profile'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    pkce: { required: () => true },
    clientBasedCORS: (_, origin) => origins.has(origin),
    findAccount: (_, login) =>
      people.some((one) => one.login === login) ? { accountId: login, claims: () => claimsOf(login) } : undefined,
    // Access tokens say who somebody is, so that the API need not ask.
    extraTokenClaims: (_, token) => {
      if (!('accountId' in token) || typeof token.accountId !== 'string') return undefined;
      const { sub: _sub, name: _name, ...claims } = claimsOf(token.accountId);
      return claims;
    },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => demoAudience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => server,
      },
    },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    // Who has said who they are need not agree to anything further.
    async loadExistingGrant({ oidc }) {
      const { client, session, provider } = oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid email profile');
      grant.addResourceScope(demoAudience, 'desk');
      await grant.save();
      return grant;
    },
    ttl: {
      AccessToken: tokenSeconds,
      AuthorizationCode: 60,
      Grant: tokenSeconds,
      IdToken: tokenSeconds,
      Interaction: 600,
      Session: 86_400,
    },
  };
}

/** Shows who there is; takes the choice. */
async function interact(
  provider: Provider,
  people: readonly DemoPerson[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await provider.interactionDetails(request, response);
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(choicePage(people));
    return;
  }
  const login = new URLSearchParams(await textOf(request)).get('login');
  const chosen = people.find((one) => one.login === login);
  const result =
    chosen === undefined
      ? { error: 'access_denied', error_description: 'nobody was chosen' }
      : { login: { accountId: chosen.login, remember: false } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > 10_000) throw new Error('the form is too large');
  }
  return text;
}
