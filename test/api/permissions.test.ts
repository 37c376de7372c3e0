/**
 * Every operation of the document, for everyone, on a row of every relation: what the table says is what the API does. The cells are made from
 * `openapi.json` and the one table of permissions, so that a route without a cell cannot be. Source: security.md, sections 1 and 2.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { permissions } from '../../domain/access/permit.js';
import type { Permission } from '../../domain/access/permit.js';
import { scopes } from '../../domain/access/principal.js';
import type { Scope } from '../../domain/access/principal.js';
import { operations } from './operations.js';
import type { Operation } from './operations.js';
import { demo, useStage } from './support.js';
import type { Who } from './support.js';
import { buildWorld, placeOf } from './world.js';
import type { Relation, World } from './world.js';

const stage = useStage();
let world: World;
beforeAll(async () => {
  world = await buildWorld(stage);
});

type Role = 'admin' | 'lead' | 'agent' | 'customer' | 'service';

interface Caller {
  readonly name: string;
  readonly who: Who;
  readonly role: Role;
  readonly scopes?: readonly Scope[];
  readonly headers?: Record<string, string>;
  /** Rows of tickets that are there for them. */
  readonly sees: readonly Relation[];
}

const everyTeam = ['mine', 'team', 'foreign_team', 'foreign_product'] as const;
const callers: readonly Caller[] = [
  { name: 'an admin', who: 'admin', role: 'admin', sees: everyTeam },
  { name: 'a lead', who: 'lead', role: 'lead', sees: ['mine', 'team'] },
  { name: 'an agent', who: 'agent', role: 'agent', sees: ['mine', 'team'] },
  { name: 'a customer', who: 'customer', role: 'customer', sees: ['mine', 'team'] },
  { name: 'a service', who: 'service', role: 'service', scopes, sees: everyTeam },
  {
    name: 'a service that reads tickets of one product',
    who: 'reader',
    role: 'service',
    scopes: ['tickets:read'],
    sees: ['mine', 'team', 'foreign_team'],
  },
  {
    name: 'a service that acts for the customer',
    who: 'service',
    role: 'customer',
    headers: { 'usher-acting-for': `customer/${demo.customers[0]}` },
    sees: ['mine', 'team'],
  },
];

/** Where the body decides besides the route, or the row: the permission that counts. */
const instead: Readonly<Record<string, Permission>> = {
  setTicketStatus: 'ticket.wait',
  rejectHandoff: 'handoff.handle',
  previewJourneyBulk: 'journey.repair',
  pauseJob: 'journey.repair',
  resumeJob: 'journey.repair',
  cancelJob: 'journey.repair',
};

const notRaisers = ['an agent', 'a service', 'a customer', 'a service that acts for the customer'];

/** Who may not although the table says so, because the rule asks for more than a role. */
const stricter: Readonly<Record<string, readonly string[]>> = {
  // Customers come by themselves or with a ticket.
  createCustomer: ['a customer', 'a service that acts for the customer'],
  // A service has no hands.
  claimTicket: ['a service'],
  // Whoever raised it, leads and admins decide whether it is done.
  sendBackEscalation: notRaisers,
  withdrawEscalation: notRaisers,
  closeEscalation: notRaisers,
};

/** What is not there is made, in the tenant of who asks. */
const makes: readonly string[] = ['replaceSubject', 'mergeSubject'];

/** Bodies with which the permission of the route alone is asked for, where the example asks for more. */
const bodies: Readonly<Record<string, unknown>> = {
  createTicket: { product: 'demo', subject: 'Invoice 4711', description: 'The amount is wrong.', channel: 'web' },
  assignTicket: { agentId: demo.agents[0] },
  postMessage: { body: 'Please try again now.' },
};

type Verdict = 'allowed' | 'not_yours' | 'not_your_role' | 'neither';

/** What the table and the page say of one cell. */
function expected(
  { id, permission: named, path }: Operation,
  caller: Caller,
  kind: string | undefined,
  relation: Relation | undefined,
): Verdict {
  const permission = instead[id] ?? named;
  const may = permission !== 'public' && stricter[id]?.includes(caller.name) !== true && mayAtAll(permission, caller, relation);
  if (relation === undefined || makes.includes(id)) return may ? 'allowed' : 'not_your_role';
  const visible = isThere(kind, path, caller, relation);
  return visible ? (may ? 'allowed' : 'not_your_role') : may ? 'not_yours' : 'neither';
}

function mayAtAll(permission: Permission, { role, scopes: held }: Caller, relation: Relation | undefined): boolean {
  const row: Readonly<Partial<Record<Role, string>>> = permissions[permission];
  const reach = row[role];
  if (reach === undefined) return false;
  if (role === 'service') return held?.some((scope) => scope === reach) === true;
  return reach === 'assigned' || reach === 'addressed' ? relation === undefined || relation === 'mine' : true;
}

function isThere(kind: string | undefined, path: string, { who, role, sees }: Caller, relation: Relation): boolean {
  if (relation === 'foreign_tenant') return false;
  switch (kind) {
    case 'customer':
      return role !== 'customer' || relation === 'mine';
    case 'product':
      return relation === 'mine' || role === 'admin' || (role === 'service' && who !== 'reader');
    case 'tenant':
      return true;
    default:
      return sees.includes(relation) || (path.includes('{escalationId}') && relation === 'mine');
  }
}

/** Asks, in a way that changes nothing: a version nobody has is refused only after everything about rights. */
async function ask(operation: Operation, relation: Relation | undefined, who: Who, headers: Record<string, string> = {}) {
  const { method, body } = operation;
  const path = world.address(operation, relation);
  const sent = bodyFor(operation, path);
  const all = {
    ...(method === 'GET' ? {} : { 'if-match': '"never"' }),
    ...(body === null ? {} : { 'content-type': body.type }),
    ...headers,
  };
  if (!operation.streams) return stage.call(who, method, path, sent, all);
  const authorization = who === 'nobody' ? {} : { authorization: `Bearer ${stage.keys[who]}` };
  const response = await stage.app.request(`http://api.test${path}`, { method, headers: { ...authorization, ...headers } });
  const isProblem = response.headers.get('content-type') === 'application/problem+json';
  if (isProblem) return { status: response.status, body: (await response.json()) as { code?: string } };
  await response.body?.cancel();
  return { status: response.status, body: {} };
}

function bodyFor({ id, body }: Operation, path: string): unknown {
  if (body === null) return undefined;
  // A draft names the template it is of.
  if (id === 'replaceTemplateDraft') return { ...Object(body.example), key: path.split('/').at(-2) };
  return id in bodies ? bodies[id] : (body.example ?? 'x');
}

/** What an answer says about rights; whatever else is wrong with the request comes after. */
function said({ status, body }: { readonly status: number; readonly body: { readonly code?: string } | string | null }): string {
  const code = typeof body === 'object' ? body?.code : undefined;
  if (status >= 500) return `a fault: ${status}`;
  if (status === 401) return 'not known';
  if (status === 404 && code === 'not_found') return 'not_yours';
  if (status === 403 && code === 'forbidden') return 'not_your_role';
  return 'allowed';
}

const cellsOf = (operation: Operation): (Relation | undefined)[] => {
  const found = world.relationsOf(operation);
  return found.length === 0 ? [undefined] : [...found];
};

const guarded = operations.filter(({ permission }) => permission !== 'public');

describe.each(guarded)('$method $path', (operation) => {
  test('is answered as the table says', async () => {
    const kind = placeOf(operation)?.kind;
    const wrong: string[] = [];
    for (const caller of callers) {
      await Promise.all(
        cellsOf(operation).map(async (relation) => {
          const wanted = expected(operation, caller, kind, relation);
          const reply = await ask(operation, relation, caller.who, caller.headers);
          const got = said(reply);
          const isRight = wanted === 'neither' ? got === 'not_yours' || got === 'not_your_role' : got === wanted;
          if (!isRight)
            wrong.push(`${caller.name}, ${relation ?? 'no row'}: ${wanted}, but ${got} ${JSON.stringify(reply.body).slice(0, 200)}`);
        }),
      );
    }
    const got = said(await ask(operation, cellsOf(operation)[0], 'nobody'));
    if (got !== 'not known') wrong.push(`nobody: ${got}`);
    expect(wrong).toEqual([]);
  });
});

test.each(operations.filter(({ permission }) => permission === 'public'))('$method $path asks nobody who they are', async (operation) => {
  const { status, body } = await ask(operation, world.relationsOf(operation)[0], 'nobody');
  expect(status).toBeLessThan(500);
  expect(['auth_missing', 'forbidden']).not.toContain(body?.code);
});

test('every relation that a kind of row knows is in some cell, and every exception is of an operation that is there', () => {
  expect(new Set(guarded.flatMap(cellsOf))).toEqual(new Set([undefined, ...everyTeam, 'foreign_tenant']));
  const ids = new Set(operations.map(({ id }) => id));
  expect([...makes, ...Object.keys({ ...instead, ...stricter, ...bodies })].filter((id) => !ids.has(id))).toEqual([]);
});
