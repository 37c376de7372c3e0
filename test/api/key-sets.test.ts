/** Keys of issuers: kept, asked for anew, never asked for too often. Source: security.md, T7. */
import { randomUUID } from 'node:crypto';
import type { FlattenedJWSInput, JWK } from 'jose';
import { beforeEach, expect, test } from 'vitest';
import { createKeySets } from '../../api/identity/key-sets.js';
import type { KeySets } from '../../api/identity/key-sets.js';
import { Refusal } from '../../api/errors.js';
import { asTenantId } from '../../domain/ids.js';
import { minute, second } from '../../domain/time.js';
import { newKey } from '../support/issuer.js';

const { jwk } = await newKey('RS256');
const source = {
  tenant: asTenantId(randomUUID()),
  id: randomUUID(),
  revision: 1,
  issuer: 'https://login.example.com',
  jwksUri: 'https://login.example.com/keys',
};
const token: FlattenedJWSInput = { payload: '', signature: '' };

let now = 1_000_000;
let asked: string[] = [];
let answer: () => Promise<unknown>;
let sets: KeySets;
const keysNamed = (...names: string[]): { keys: JWK[] } => ({ keys: names.map((kid) => ({ ...jwk, kid, use: 'sig' })) });

beforeEach(() => {
  now = 1_000_000;
  asked = [];
  answer = () => Promise.resolve(keysNamed('a'));
  sets = createKeySets({
    get: (address) => {
      asked.push(address);
      return answer();
    },
    now: () => now,
    told: () => undefined,
  });
});

const find = async (kid: string, of: Parameters<KeySets['of']>[0] = source): Promise<string> => {
  try {
    await sets.of(of)({ alg: 'RS256', kid }, token);
    return 'found';
  } catch (error) {
    return error instanceof Refusal ? error.code : error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
};

test('asked for once, kept for ten minutes', async () => {
  expect(await Promise.all(Array.from({ length: 20 }, () => find('a')))).toEqual(Array(20).fill('found'));
  now += 10 * minute - 1;
  expect(await find('a')).toBe('found');
  expect(asked).toHaveLength(1);
  now += 1;
  expect(await find('a')).toBe('found');
  expect(asked).toHaveLength(2);
});

test('T7: a key that is not there is asked for, at most every thirty seconds', async () => {
  await find('a');
  now += 30 * second;
  answer = () => Promise.resolve(keysNamed('a', 'b'));
  expect(await find('b')).toBe('found');
  expect(asked).toHaveLength(2);
  for (let index = 0; index < 500; index += 1) expect(await find(`forged-${index}`)).toBe('ERR_JWKS_NO_MATCHING_KEY');
  expect(asked).toHaveLength(2);
  now += 30 * second;
  await Promise.all(Array.from({ length: 100 }, (_, index) => find(`forged-${index}`)));
  expect(asked).toHaveLength(3);
});

test('an issuer that is away locks nobody out who could be checked before', async () => {
  await find('a');
  answer = () => Promise.reject(new Error('away'));
  now += 11 * minute;
  expect(await find('a')).toBe('found');
  expect(await find('b')).toBe('ERR_JWKS_NO_MATCHING_KEY');
  expect(asked).toHaveLength(2);
});

test('T7: without any keys: unavailable, and asked again after a second', async () => {
  answer = () => Promise.reject(new Error('away'));
  expect(await Promise.all([find('a'), find('a')])).toEqual(['keys_unavailable', 'keys_unavailable']);
  expect(await find('a')).toBe('keys_unavailable');
  expect(asked).toHaveLength(1);
  now += second;
  answer = () => Promise.resolve(keysNamed('a'));
  expect(await find('a')).toBe('found');
});

test('what is no key set is none', async () => {
  for (const wrong of [null, {}, { keys: 'a' }, { keys: [{}] }, []]) {
    answer = () => Promise.resolve(wrong);
    now += second;
    expect(await find('a'), JSON.stringify(wrong)).toBe('keys_unavailable');
  }
});

test('found by discovery, of the same issuer only', async () => {
  const discovered = { ...source, jwksUri: null };
  let says = 'https://other.example.com';
  answer = () =>
    Promise.resolve(asked.at(-1)?.endsWith('/keys') ? keysNamed('a') : { issuer: says, jwks_uri: 'https://login.example.com/keys' });
  expect(await find('a', discovered)).toBe('keys_unavailable');
  says = source.issuer;
  now += second;
  expect(await find('a', discovered)).toBe('found');
  expect(asked.slice(1)).toEqual(['https://login.example.com/.well-known/openid-configuration', 'https://login.example.com/keys']);
});

test('a changed provider begins anew, and each tenant has its own', async () => {
  await find('a');
  answer = () => Promise.resolve(keysNamed('b'));
  expect(await find('b', { ...source, revision: 2 })).toBe('found');
  expect(await find('b', { ...source, tenant: asTenantId(randomUUID()) })).toBe('found');
  expect(await find('a')).toBe('found');
});
