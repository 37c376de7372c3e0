/** An issuer that signs whatever a test wants, with keys it can change, and that can be away. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { CryptoKey, JWK, JWTHeaderParameters } from 'jose';

export interface Signed {
  readonly header?: Partial<JWTHeaderParameters>;
  /** Over the usual ones; undefined leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly key?: CryptoKey | Uint8Array;
  /** Critical headers that the issuer understands. */
  readonly crit?: Readonly<Record<string, boolean>>;
}

export class TestIssuer implements AsyncDisposable {
  readonly url: string;
  kid = 'first';
  key: CryptoKey;
  jwk: JWK;
  isAway = false;
  /** How often its keys were asked for. */
  asked = 0;
  readonly #server: ReturnType<typeof createServer>;

  private constructor(server: ReturnType<typeof createServer>, key: CryptoKey, jwk: JWK) {
    this.#server = server;
    this.key = key;
    this.jwk = jwk;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(): Promise<TestIssuer> {
    const server = createServer((request, response) => {
      const send = (status: number, body: unknown) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      if (issuer.isAway) return void send(503, {});
      if (request.url === '/.well-known/openid-configuration')
        return void send(200, { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` });
      if (request.url !== '/keys') return void send(404, {});
      issuer.asked += 1;
      send(200, { keys: [{ ...issuer.jwk, kid: issuer.kid, use: 'sig' }] });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { key, jwk } = await newKey('RS256');
    const issuer: TestIssuer = new TestIssuer(server, key, jwk);
    return issuer;
  }

  /** Signs with another key from now on, under another name. */
  async rotate(kid: string): Promise<void> {
    const { key, jwk } = await newKey('RS256');
    this.kid = kid;
    this.key = key;
    this.jwk = jwk;
  }

  /** A token that is good but for what is given. */
  token(subject: string, { header = {}, claims = {}, key = this.key, crit = {} }: Signed = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const usual = { iss: this.url, sub: subject, aud: 'desk', iat: now, exp: now + 600 };
    const payload = Object.fromEntries(Object.entries({ ...usual, ...claims }).filter(([, value]) => value !== undefined));
    return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: this.kid, ...header }).sign(key, { crit });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}

export async function newKey(alg: string): Promise<{ key: CryptoKey; jwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { key: privateKey, jwk: { ...(await exportJWK(publicKey)), alg } };
}
