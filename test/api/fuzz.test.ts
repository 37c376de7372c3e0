/**
 * Every operation of the document, with what it asks for, with what it almost asks for, and with what nobody should send: no fault, no answer
 * outside the document. A failure prints the seed and the path to it; a shorter request that fails alike is looked for.
 */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { hostile, rawBodies, spoiled, valuesOf } from './arbitraries.js';
import { conforms } from './conforms.js';
import { operations } from './operations.js';
import type { Operation } from './operations.js';
import { demo, useStage } from './support.js';
import type { Who } from './support.js';
import { buildWorld } from './world.js';
import type { World } from './world.js';

/** Fixed, so that a run is the same everywhere. */
const seed = 20_261_122;
/** Requests for each operation. */
const numRuns = 10;

const stage = useStage();
let world: World;
beforeAll(async () => {
  world = await buildWorld(stage);
});

interface Request {
  readonly who: Who;
  /** By the names of the path; null: what is there. */
  readonly values: readonly (string | null)[];
  readonly query: readonly (readonly [string, string])[];
  readonly body: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

const callers = fc.oneof(
  { weight: 10, arbitrary: fc.constant<Who>('admin') },
  { weight: 6, arbitrary: fc.constantFrom<Who[]>('lead', 'agent', 'customer', 'service') },
  { weight: 1, arbitrary: fc.constantFrom<Who[]>('foreign', 'nobody', 'reader') },
);

/** In an address: everything else is somebody's, whatever it looks like. */
const oddNames = fc.oneof(
  hostile.filter((value) => typeof value === 'string' && value.length > 0 && value.length < 3_000).map((value) => encode(String(value))),
  fc.constantFrom('%ff', '%', '%2F', 'a;b=c', '*', '{x}', 'null'),
);

/** Half a character cannot be written in an address. */
const encode = (text: string): string => encodeURIComponent(text.replaceAll(/\p{Cs}/gu, '\ufffd'));

const asText = (value: unknown): string =>
  typeof value === 'string' ? value : Array.isArray(value) ? value.map(String).join(',') : JSON.stringify(value);

const parameterOf = (name: string, schema: Readonly<Record<string, unknown>>) =>
  fc
    .oneof({ weight: 3, arbitrary: valuesOf(schema) }, { weight: 1, arbitrary: hostile })
    .map((value): [string, string] => [name, asText(value)]);

const queriesOf = ({ parameters }: Operation): fc.Arbitrary<[string, string][]> => {
  const known = parameters.filter((parameter) => parameter.in === 'query');
  const others = fc.constantFrom<[string, string][]>(
    ['surprise', '1'],
    ['cursor', 'WyIiLCIiXQ.k1.AAAAAAAAAAAAAAAAAAAAAA'],
    ['cursor', ''],
    ['limit', '0'],
    ['limit', '101'],
    ['limit', 'NaN'],
    ['__proto__', 'x'],
    ['sort', 'password'],
    ['q', 'a & | ! <-> :*'],
  );
  const each = known.map(({ name, schema }) => parameterOf(name, schema));
  const some = each.length === 0 ? fc.constant<[string, string][]>([]) : fc.array(fc.oneof(...each), { maxLength: 3 });
  // What is required is sent more often than not, or nothing of the rest would ever be looked at.
  const required = known.filter((parameter) => parameter.required).map(({ name, schema }) => parameterOf(name, schema));
  const strange = fc.oneof({ weight: 5, arbitrary: fc.constant<[string, string][]>([]) }, { weight: 1, arbitrary: fc.tuple(others) });
  return fc.tuple(fc.tuple(...required), some, strange).map((parts) => parts.flat());
};

const bodiesOf = ({ body }: Operation): fc.Arbitrary<string | null> => {
  const none = fc.constant(null);
  if (body === null) return fc.oneof({ weight: 9, arbitrary: none }, { weight: 1, arbitrary: rawBodies });
  const described = 'example' in body ? fc.oneof(fc.constant(body.example), valuesOf(body.schema)) : valuesOf(body.schema);
  return fc.oneof(
    { weight: 5, arbitrary: described.map((value) => JSON.stringify(value)) },
    { weight: 6, arbitrary: spoiled(described).map((value) => JSON.stringify(value) ?? '') },
    { weight: 2, arbitrary: rawBodies },
    { weight: 1, arbitrary: none },
  );
};

const oddHeaders: readonly (readonly [string, readonly string[]])[] = [
  [
    'content-type',
    ['text/plain', 'application/xml', 'application/json; charset=latin1', 'application/json, text/html', '', 'multipart/form-data'],
  ],
  ['accept', ['text/csv', '*/*;q=0', 'application/json;q=abc', ';', 'x'.repeat(5_000)]],
  ['if-match', ['"1"', '*', 'W/"1"', '"99999999999999999999"', '"1", "2"', 'x', '']],
  ['if-none-match', ['"1"', '*', 'W/"1"', ',,,', 'x']],
  ['idempotency-key', ['same', 'x'.repeat(256), ' ', '\u00e9']],
  ['prefer', ['respond-async', 'respond-async, wait=10', 'return=minimal', ';;']],
  ['x-request-id', ['a b', 'x'.repeat(65), '${jndi:ldap://x}', '-']],
  ['usher-acting-for', [`customer/${demo.customers[0]}`, 'customer/x', 'user/1', '']],
  ['last-event-id', ['0', '-1', '99999999999999999999', 'x', '']],
  ['accept-language', ['de', '*', 'x'.repeat(2_000)]],
  ['x-forwarded-for', ['127.0.0.1', 'x, y', '']],
  ['range', ['bytes=0-1']],
  ['cookie', ['a=b']],
  ['x-http-method-override', ['DELETE']],
];

const headersOf = (): fc.Arbitrary<Record<string, string>> =>
  fc
    .array(
      fc.constantFrom(...oddHeaders).chain(([name, values]) => fc.constantFrom(...values).map((value): [string, string] => [name, value])),
      {
        maxLength: 2,
      },
    )
    .map((entries) => Object.fromEntries(entries));

const requestsOf = (operation: Operation): fc.Arbitrary<Request> =>
  fc.record({
    who: callers,
    values: fc.tuple(
      ...operation.names.map(() => fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: oddNames })),
    ),
    query: queriesOf(operation),
    body: bodiesOf(operation),
    headers: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 2, arbitrary: headersOf() }),
  });

async function faultsOf(operation: Operation, { who, values, query, body, headers }: Request): Promise<string[]> {
  const { method, names, path, streams } = operation;
  const filled = names.reduce((rest, name, at) => rest.replace(`{${name}}`, () => values[at] ?? world.value(operation, name)), path);
  const asked = new URL(`http://api.test${filled}`);
  for (const [name, value] of query) asked.searchParams.append(name, value.replaceAll(/\p{Cs}/gu, '\ufffd'));
  const response = await stage.app.request(asked.href, {
    method,
    headers: {
      ...(who === 'nobody' ? {} : { authorization: `Bearer ${stage.keys[who]}` }),
      ...(body === null ? {} : { 'content-type': operation.body?.type ?? 'application/json' }),
      ...headers,
    },
    ...(body === null || method === 'GET' ? {} : { body }),
  });
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  if (streams && response.status === 200) {
    await response.body?.cancel();
    return [];
  }
  const text = await response.text();
  const reply = { status: response.status, headers: response.headers, body: isJson && text !== '' ? (JSON.parse(text) as unknown) : text };
  const faults = conforms(method, `${asked.pathname}${asked.search}`, reply);
  return [...(response.status >= 500 ? [`${response.status} ${text}`] : []), ...faults];
}

test.each(operations)('$method $path', async (operation) => {
  await fc.assert(
    fc.asyncProperty(requestsOf(operation), async (request) => {
      expect(await faultsOf(operation, request)).toEqual([]);
    }),
    { seed, numRuns },
  );
});
