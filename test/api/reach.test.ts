/** Where the API goes when a tenant names an address. Source: security.md, T13. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { getJson, guardedLookup, isPublicAddress, leadsInside, unreachable } from '../../reach.js';

test.each(['8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.1', '192.167.1.1', '223.255.255.255', '2606:4700::1111', '2a00:1450:4001::1'])(
  '%s is public',
  (address) => expect(isPublicAddress(address)).toBe(true),
);

test.each([
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.2.1',
  '192.168.0.1',
  '198.18.0.1',
  '203.0.113.7',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '64:ff9b::7f00:1',
  '2001:db8::1',
  '2001::1',
  '2002:7f00:1::',
  'fc00::1',
  'fd12:3456::1',
  'fe80::1',
  'ff02::1',
  'localhost',
  '',
])('%s is not', (address) => expect(isPublicAddress(address)).toBe(false));

test.each([
  ['https://login.example.com/x', null],
  ['https://login.example.com:8443', null],
  ['http://login.example.com', 'must be an https address'],
  ['ftp://login.example.com', 'must be an https address'],
  ['login.example.com', 'must be an https address'],
  ['https://login.example.com:22', 'must have port 443 or 8443'],
  ['https://me:secret@login.example.com', 'must not hold a name or password'],
  ['https://login.example.com/#x', 'must not hold a fragment'],
  ['https://localhost', 'must be a public address'],
  ['https://a.localhost', 'must be a public address'],
  ['https://localhost.', 'must be a public address'],
  ['https://127.0.0.1', 'must be a public address'],
  ['https://2130706433', 'must be a public address'],
  ['https://0x7f.1', 'must be a public address'],
  ['https://0177.0.0.1', 'must be a public address'],
  ['https://[::1]', 'must be a public address'],
  ['https://[::ffff:10.0.0.1]', 'must be a public address'],
])('%s: %s', (address, wrong) => expect(unreachable(address, false)).toBe(wrong));

test('a system of one’s own may be anywhere', () => {
  expect(unreachable('http://127.0.0.1:8028', true)).toBeNull();
  expect(unreachable('file:///etc/passwd', true)).toBe('must be an https address');
});

const server = createServer((request, response) => {
  if (request.url === '/away') return void response.writeHead(302, { location: '/' }).end();
  if (request.url === '/slow') return;
  response.end(request.url === '/big' ? JSON.stringify('x'.repeat(5_000)) : '{"a":1}');
});
let port = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('gets one document and follows nothing', async () => {
  const options = { anywhere: true, timeoutMs: 300, mostBytes: 1_000 };
  const get = (path: string) => getJson(`http://127.0.0.1:${port}${path}`, options);
  expect(await get('/')).toEqual({ a: 1 });
  await expect(get('/away')).rejects.toThrow('answered 302');
  await expect(get('/big')).rejects.toThrow('too large');
  await expect(get('/slow')).rejects.toThrow();
});

test('a name that leads inside is not followed there', async () => {
  const options = { anywhere: false, timeoutMs: 2_000, mostBytes: 1_000 };
  await expect(getJson(`https://127.0.0.1:${port}/`, options)).rejects.toThrow('must have port');
  await expect(getJson('https://127.0.0.1/', options)).rejects.toThrow('must be a public address');
  // Every system knows this name, and knows it as its own.
  for (const all of [true, false]) {
    const looked = new Promise((resolve) => guardedLookup('localhost', { all }, (error, found) => resolve([error?.message, found])));
    expect(await looked).toEqual(['the name leads to an address that is not public', []]);
  }
});

test('where a name leads is looked at when it is stored, too', async () => {
  expect(await leadsInside('https://localhost/hooks')).toBe('must lead to a public address');
  expect(await leadsInside('https://[::1]/')).toBe('must lead to a public address');
});
