/** T11: what is too large, too deep, too much or no request at all is told so at once, by a problem; others notice nothing. Source: security.md, section 8. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listen } from '../../api/listen.js';
import { demo, useStage } from './support.js';

const stage = useStage();
let port = 0;
let end: () => Promise<void>;
beforeAll(async () => {
  const listening = await listen(stage.app, '127.0.0.1', 0);
  port = listening.port;
  end = async () => listening[Symbol.asyncDispose]();
});
afterAll(() => end());

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly code: unknown;
}

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
  /** Without saying how long it is. */
  readonly chunked?: true;
}

const known = (): Record<string, string> => ({ authorization: `Bearer ${stage.keys.admin}`, 'content-type': 'application/json' });

/** Sends over a connection of its own. What is answered before all was sent counts: who goes on talking is cut off. */
const send = ({ method = 'POST', path = '/v1/tickets', headers = {}, body, chunked }: Sent): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const length = body === undefined || chunked ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = request({ port, method, path, headers: { ...known(), ...length, ...headers }, agent: false }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      incoming.on('end', () => resolve(answerOf(incoming.statusCode ?? 0, incoming.headers['content-type'] ?? '', text)));
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

const answerOf = (status: number, type: string, text: string): Answer => ({
  status,
  type,
  code: type.includes('json') ? (JSON.parse(text) as { code?: unknown }).code : undefined,
});

/** Bytes as they are. */
const write = (bytes: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      const [head = '', body = ''] = text.split('\r\n\r\n');
      resolve(answerOf(Number(head.split(' ')[1]), /content-type: (.+)/i.exec(head)?.[1] ?? '', body));
    });
  });

const ticket = { product: 'demo', subject: 's', description: 'd', channel: 'api', requester: { customerId: demo.customers[0] } };
const fields = (more: object): string => JSON.stringify({ ...ticket, ...more });
const lines = (count: number): string => Array.from({ length: count }, (_, index) => `x-flood-${index}: y\r\n`).join('');
const start = (): string => `GET /v1/teams HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${stage.keys.admin}\r\n`;

const large = fields({ description: 'x'.repeat(5_000_000) });

const attacks: readonly (readonly [string, () => Promise<Answer>, status: number, code: string])[] = [
  ['5 MB of JSON', () => send({ body: large }), 413, 'too_large'],
  ['5 MB that do not say so', () => send({ body: large, chunked: true }), 413, 'too_large'],
  ['10,000 levels', () => send({ body: '['.repeat(10_000) + ']'.repeat(10_000) }), 400, 'too_deep'],
  ['10,000 levels of objects', () => send({ body: '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000) }), 400, 'too_deep'],
  ['100,000 elements', () => send({ body: `{"tags":[${'0,'.repeat(99_999)}0]}` }), 400, 'too_deep'],
  ['10,000 keys', () => send({ body: `{${Array.from({ length: 10_000 }, (_, index) => `"k${index}":0`).join(',')}}` }), 400, 'too_deep'],
  [
    'compressed, whatever it grows to',
    () => send({ headers: { 'content-encoding': 'gzip' }, body: '\u001f\u008b\b' }),
    400,
    'malformed_json',
  ],
  ['a form', () => send({ headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'product=demo' }), 415, 'media_type'],
  ['20 KiB of headers', () => send({ headers: { 'x-large': 'y'.repeat(20_000) }, body: fields({}) }), 431, 'headers_too_large'],
  ['60 KiB of headers', () => write(`${start()}x-large: ${'y'.repeat(60_000)}\r\n\r\n`), 431, 'headers_too_large'],
  ['10,000 headers', () => write(`${start()}${lines(10_000)}\r\n`), 431, 'headers_too_large'],
  [
    'a cursor of somebody’s own',
    () => send({ method: 'GET', path: '/v1/tickets?product=*&cursor=WyIiLCIiXQ.k1.AAAA' }),
    400,
    'cursor_invalid',
  ],
  ['5,000 parameters', () => send({ method: 'GET', path: `/v1/teams?${'a=1&'.repeat(5_000)}` }), 400, 'unknown_parameter'],
  ['an address of 20,000 letters', () => send({ method: 'GET', path: `/v1/tickets/${'x'.repeat(20_000)}` }), 404, 'not_found'],
  ['an address no address can be', () => send({ method: 'GET', path: '/v1/tickets/%ff%fe' }), 404, 'not_found'],
  ['another protocol', () => write('hello\r\n\r\n'), 400, 'invalid_request'],
  ['two lengths', () => write(`${start()}content-length: 1\r\ncontent-length: 2\r\n\r\nx`), 400, 'invalid_request'],
  [
    'a length and chunks',
    () => write(`${start()}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
    400,
    'invalid_request',
  ],
];

/** Milliseconds of the processor that work takes, ours and its caller's: what a second is on a machine with nothing else to do. */
async function costOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const ask = (): Promise<Answer> => send({ method: 'GET', path: '/v1/teams' });

test.each(attacks)('T11: %s', async (_name, attack, status, code) => {
  const other = ask();
  const answers: Answer[] = [];
  const costs: number[] = [];
  while (costs.length < 2) costs.push(await costOf(async () => void answers.push(await attack())));
  for (const answer of answers) expect(answer).toEqual({ status, type: 'application/problem+json', code });
  // The quicker one: a processor shared with others counts more for the same.
  expect(Math.min(...costs)).toBeLessThan(1_000);
  expect((await other).status).toBe(200);
  expect((await ask()).status).toBe(200);
});

test('T11: many at once are many refusals, and whoever asks meanwhile is answered within a second', async () => {
  const flood = attacks.slice(0, 6).flatMap(([, attack]) => [attack(), attack()]);
  expect(await costOf(async () => expect((await ask()).status).toBe(200))).toBeLessThan(1_000);
  expect((await Promise.all(flood)).map(({ status }) => status).filter((status) => status < 400 || status >= 500)).toEqual([]);
});
