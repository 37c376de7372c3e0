/** `fields=` on every read that has it, as `openapi.json` lists them: what was named is there, nothing else, and never more than without it. */
import { beforeAll, describe, expect, test } from 'vitest';
import { document } from './conforms.js';
import { operations } from './operations.js';
import type { Operation } from './operations.js';
import { useStage } from './support.js';
import type { Who } from './support.js';
import { buildWorld } from './world.js';
import type { World } from './world.js';

const stage = useStage();
let world: World;
beforeAll(async () => {
  world = await buildWorld(stage);
});

type Row = Readonly<Record<string, unknown>>;

const parameterOf = ({ parameters }: Operation) => parameters.find(({ name }) => name === 'fields');
const fieldsOf = (operation: Operation): readonly string[] =>
  (parameterOf(operation)?.schema['items'] as { readonly enum?: readonly string[] } | undefined)?.enum ?? [];
const reads = operations.filter(({ method, path, permission }) => {
  const content = document.paths[path]?.[method.toLowerCase()]?.responses['200']?.content ?? {};
  return method === 'GET' && permission !== 'public' && 'application/json' in content;
});
const selectable = reads.filter((operation) => fieldsOf(operation).length > 0);

test('every list and every single thing has it; settings, counts and reports are read whole', () => {
  const whole = ['countTickets', 'explainClock', 'getEventOutcomes', 'getJobResult', 'getJourneyDiagram', 'getJourneySettings'];
  whole.push('getJourneyState', 'getProductSettings', 'getRequestLimits', 'getRetention', 'getSlaSettings', 'getSlaWindows');
  const without = reads.filter((operation) => !selectable.includes(operation)).map(({ id }) => id);
  expect(without.toSorted()).toEqual([...whole, 'getTemplateDiagram']);
});

/** By what an entry is found again, where that is not its id. */
const foundBy: Readonly<Record<string, string | null>> = {
  getTicketHistory: 'version',
  getCustomerHistory: null,
  listProducts: 'key',
  getProduct: 'key',
  listTemplates: 'key',
  getTemplate: 'key',
  getTemplateVersion: 'key',
  listJobItems: 'ref',
  listJourneySteps: 'step',
  getJourneyHistory: 'seq',
  listRetentionSweeps: 'day',
  listSlaPolicySets: 'revision',
  getCurrentSlaPolicySet: 'revision',
  getSlaPolicySet: 'revision',
  listClocks: 'clock',
  listOperatorViews: 'name',
};

/** Lists that have no entry here: of them only the document is looked at. */
const empty: readonly string[] = ['listNotes', 'listRetentionSweeps', 'listJobItems', 'listClocks', 'listTemplateEntries'];

describe.each(selectable)('$method $path', (operation) => {
  const names = fieldsOf(operation);
  const identity = operation.id in foundBy ? foundBy[operation.id] : 'id';
  const read = async (fields?: string, who: Who = 'admin') => {
    const address = new URL(`http://api.test${world.address(operation, world.relationsOf(operation)[0])}`);
    if (operation.parameters.some(({ name }) => name === 'product')) address.searchParams.set('product', '*');
    if (fields !== undefined) address.searchParams.set('fields', fields);
    return stage.call(who, 'GET', `${address.pathname}${address.search}`);
  };
  const keysOf = async (fields?: string): Promise<string[][]> => {
    const { status, body } = await read(fields);
    expect(status, JSON.stringify(body)).toBe(200);
    return (Array.isArray(body.data) ? (body.data as Row[]) : [body as Row]).map((row) => Object.keys(row));
  };

  test('each field alone, all, and one twice', async () => {
    const whole = await keysOf();
    expect(whole.length === 0).toBe(empty.includes(operation.id));
    const only = (...kept: readonly string[]) => whole.map((keys) => keys.filter((key) => key === identity || kept.includes(key)));
    await Promise.all(names.map(async (name) => expect(await keysOf(name), name).toEqual(only(name))));
    expect(await keysOf(names.join(','))).toEqual(whole);
    const [first = ''] = names;
    expect(await keysOf(`${first},${first}`)).toEqual(only(first));
  });

  test('what always comes is said', () => {
    const { description = '' } = parameterOf(operation) ?? {};
    if (identity === null) expect(description).not.toContain('always comes');
    else expect(description).toContain(`; \`${identity}\` always comes with them`);
    expect(names).not.toContain('included');
  });

  test('a field that is not there is named, with those that are', async () => {
    const { status, body } = await read(`${names[0]},surprise`);
    expect([status, body.code]).toEqual([400, 'unknown_parameter']);
    const message = `surprise is not a field here; there are ${names.join(', ')}`;
    expect(body.errors).toEqual([{ pointer: 'fields/1', code: 'invalid_value', message }]);
    for (const wrong of ['', ',', 'ID', '__proto__', 'included']) expect((await read(wrong)).body.code, wrong).toBe('unknown_parameter');
  });
});

test('what a caller may not see is not there for being named', async () => {
  const id = await stage.ticket({}, 'customer');
  const path = `/v1/tickets/${id}?fields=slaState,escalationLevel,dueAt,status`;
  expect((await stage.call('customer', 'GET', path)).body).toEqual({ id, status: 'new' });
  expect(Object.keys((await stage.call('admin', 'GET', path)).body).toSorted()).toEqual([
    'dueAt',
    'escalationLevel',
    'id',
    'slaState',
    'status',
  ]);
  for (const who of ['stranger', 'foreign'] as const) expect((await stage.call(who, 'GET', path)).status).toBe(404);
});

test('what is included stays, and so does the way to the next page', async () => {
  const first = (await stage.call('admin', 'GET', '/v1/tickets?product=*&limit=1&include=requester&fields=status')).body;
  expect(Object.keys(first.data[0])).toEqual(['id', 'status', 'included']);
  expect(first.page.hasMore).toBe(true);
  const cursor = encodeURIComponent(first.page.next);
  const next = `/v1/tickets?product=*&limit=1&include=requester&cursor=${cursor}`;
  const more = (await stage.call('admin', 'GET', `${next}&fields=priority&fields=status`)).body.data[0];
  expect(Object.keys(more)).toEqual(['id', 'status', 'priority', 'included']);
  const whole = (await stage.call('admin', 'GET', next)).body.data[0];
  expect(more).toEqual({ id: whole.id, status: whole.status, priority: whole.priority, included: whole.included });
});

test('the ETag is that of the version, whatever is shown of it', async () => {
  const path = `/v1/tickets/${await stage.ticket()}`;
  const etag = (await stage.call('admin', 'GET', path)).headers.get('etag') ?? '';
  const part = await stage.call('admin', 'GET', `${path}?fields=status`);
  expect(part.headers.get('etag')).toBe(etag);
  const again = { 'if-none-match': etag };
  expect((await stage.call('admin', 'GET', `${path}?fields=status`, undefined, again)).status).toBe(304);
  expect((await stage.call('admin', 'POST', `${path}/start`, undefined, { 'if-match': etag })).status).toBe(200);
  expect((await stage.call('admin', 'GET', `${path}?fields=status`, undefined, again)).body.status).toBe('in_progress');
});
