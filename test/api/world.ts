/** One small desk with a row for every way in which what an address names can relate to who asks; written once, read by every cell. */
import { expect } from 'vitest';
import { publishBuiltInsOf } from '../../db/built-in-journeys.js';
import { storeInbound } from '../../db/queries/inbound.js';
import type { TenantId } from '../../domain/ids.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { noon } from '../support/builders.js';
import { aGate, aHandoffRecord, aRecord, aStart, aTask, aVisit } from '../support/journey-records.js';
import type { Operation } from './operations.js';
import { demo, otherTenant, outsider, secondTeam } from './support.js';
import type { Reply, Stage, Who } from './support.js';
import { upload } from './upload.js';

/**
 * `mine`: assigned to the agent, asked of the agent, requested by the customer. `team`: the same team's and the same customer's, and nobody's
 * yet. The others: another team's, another product's, another tenant's, and none of them this customer's.
 */
export const relations = ['mine', 'team', 'foreign_team', 'foreign_product', 'foreign_tenant'] as const;
export type Relation = (typeof relations)[number];

/** What decides whether a row is one's own: its ticket; the ticket its journey is about; itself, for customers; its product; the tenant alone. */
export type Kind = 'ticket' | 'journey' | 'customer' | 'product' | 'tenant';

type Row = Readonly<Record<string, string | (() => string)>>;

/** What the names in an address stand for, by relation; a relation a kind does not know is left out. */
type Rows = Readonly<Partial<Record<Relation, Row>>>;

interface Place {
  readonly path: RegExp;
  readonly kind: Kind;
  readonly rows: keyof Desk;
}

/** What an address is about; the first that fits. */
const places: readonly Place[] = [
  { path: /\{(?:ticketId|messageId|attachmentId)\}/, kind: 'ticket', rows: 'tickets' },
  { path: /\{(?:escalationId|journeyId|handoffId|approvalId)\}/, kind: 'journey', rows: 'tickets' },
  { path: /\{customerId\}/, kind: 'customer', rows: 'customers' },
  { path: /^\/v1\/products\/\{key\}/, kind: 'product', rows: 'products' },
  { path: /\{/, kind: 'tenant', rows: 'things' },
];

export const placeOf = ({ path }: Operation): Place | undefined => places.find((place) => place.path.test(path));

interface Desk {
  readonly tickets: Rows;
  readonly customers: Rows;
  readonly products: Rows;
  readonly things: Rows;
}

export interface World {
  /** The relations in which what the operation names is there; none, for one that names nothing. */
  relationsOf(operation: Operation): readonly Relation[];
  /** The address of the operation for a row. */
  address(operation: Operation, relation: Relation | undefined): string;
  /** A good value of one name, whatever the row. */
  value(operation: Operation, name: string): string;
}

const template = (key: string): JourneyTemplate => ({
  key,
  name: 'Renewal',
  category: 'retention',
  subject: { type: 'customer', id: 'input.customerId' },
  input: { type: 'object', properties: { customerId: { type: 'string' } }, required: ['customerId'] },
  start: 'call',
  steps: {
    call: { kind: 'manual', name: 'Call', assign: { roles: ['agent'] }, outcomes: ['done'], transitions: [{ to: 'won', outcome: 'done' }] },
    won: { kind: 'end', outcome: 'renewed', result: 'won' },
  },
});

/** What needs a query before anything else of it is looked at. */
const queries: Readonly<Record<string, string>> = {
  removeTicket: '?reason=As+agreed+by+phone',
  getSlaWindows: '?from=2026-07-20T00:00:00.000Z&until=2026-07-21T00:00:00.000Z',
};

const valueIn = (operation: Operation, row: Row, name: string): string => {
  const value = row[name];
  if (value === undefined) throw new Error(`${operation.path}: the world has no ${name}`);
  return encodeURIComponent(typeof value === 'string' ? value : value());
};

export async function buildWorld(stage: Stage): Promise<World> {
  const desk: Desk = {
    tickets: {
      mine: await rowsOfTicket(stage, 'mine', 1),
      team: await rowsOfTicket(stage, 'team', 2),
      foreign_team: await rowsOfTicket(stage, 'foreign_team', 3),
      foreign_product: await rowsOfTicket(stage, 'foreign_product', 4),
      foreign_tenant: await rowsOfTicket(stage, 'foreign_tenant', 5),
    },
    customers: {
      mine: { customerId: demo.customers[0] ?? '' },
      foreign_team: { customerId: demo.customers[1] ?? '' },
      foreign_tenant: { customerId: await theirCustomer(stage) },
    },
    products: { mine: { key: demo.product }, foreign_product: { key: 'second' }, foreign_tenant: { key: await theirProduct(stage) } },
    things: { mine: await thingsOf(stage, 'admin', 'ours'), foreign_tenant: await thingsOf(stage, 'foreign', 'theirs') },
  };
  const rowsFor = (operation: Operation): Rows => {
    const place = placeOf(operation);
    return place === undefined ? {} : desk[place.rows];
  };
  return {
    relationsOf: (operation) => relations.filter((relation) => relation in rowsFor(operation)),
    address(operation, relation) {
      const row = relation === undefined ? undefined : rowsFor(operation)[relation];
      const path =
        row === undefined ? operation.path : operation.path.replaceAll(/\{(.+?)\}/g, (_, name: string) => valueIn(operation, row, name));
      return `${path}${queries[operation.id] ?? ''}`;
    },
    value: (operation, name) => valueIn(operation, rowsFor(operation).mine ?? {}, name),
  };
}

const created = (reply: Reply): Reply => {
  expect(reply.status, JSON.stringify(reply.body)).toBeLessThan(300);
  return reply;
};

/** A ticket with what belongs to it: its first message, a file, an escalation, a journey about it with a task, a handoff and a vote. */
async function rowsOfTicket(stage: Stage, relation: Relation, n: number): Promise<Row> {
  const who = relation === 'foreign_tenant' ? 'foreign' : 'admin';
  const own = relation === 'mine' || relation === 'team';
  const ticketId = await stage.ticket(
    {
      requester: relation === 'foreign_tenant' ? { email: 'theirs@example.com' } : { customerId: demo.customers[own ? 0 : 1] },
      ...(relation === 'foreign_product' ? { product: 'second' } : {}),
    },
    who,
  );
  const path = `/v1/tickets/${ticketId}`;
  if (relation === 'mine') created(await stage.call('admin', 'POST', `${path}/assign`, { agentId: demo.agents[0], teamId: demo.team }));
  if (relation === 'foreign_team' || relation === 'foreign_product')
    created(await stage.call('admin', 'POST', `${path}/assign`, { teamId: secondTeam }));
  const message = (await stage.call(who, 'GET', `${path}/messages`)).body.data[0].id;
  const attachmentId = await cleanFile(stage, own ? 'customer' : who, path);
  const to = {
    mine: { kind: 'specialist', id: demo.agents[0] },
    team: { kind: 'specialist', id: demo.agents[1] },
    foreign_team: { kind: 'team', id: secondTeam },
    foreign_product: { kind: 'team', id: secondTeam },
    foreign_tenant: { kind: 'lead' },
  }[relation];
  const raised = created(await stage.call(who, 'POST', `${path}/escalate`, { to, level: 1, reason: 'It cannot wait' }));
  const journeyId = await keepJourney(stage, relation, ticketId, n);
  return {
    ticketId,
    messageId: message,
    attachmentId,
    escalationId: raised.headers.get('location')?.split('/').at(-1) ?? '',
    journeyId,
    handoffId: `${journeyId}.install.1`,
    approvalId: `${journeyId}.credit.1`,
    step: 'call',
    clock: 'resolution.1',
  };
}

async function cleanFile(stage: Stage, who: Who, ticket: string): Promise<string> {
  const announced = created(await stage.call(who, 'POST', `${ticket}/attachments`, { name: 'a.txt', type: 'text/plain', size: 1 }));
  const { id, upload: to } = announced.body;
  expect((await upload(stage.app, to.url, to.fields, Buffer.from('a'))).status).toBe(204);
  expect(created(await stage.call(who, 'POST', `/v1/attachments/${id}/complete`)).body.state).toBe('clean');
  return String(id);
}

async function keepJourney(stage: Stage, relation: Relation, ticket: string, n: number): Promise<string> {
  const id = `JRN-W${String(n).padStart(15, '0')}`;
  const tenant: TenantId = relation === 'foreign_tenant' ? otherTenant : demo.tenant;
  const [first, second] = demo.agents;
  const asked = { people: [relation === 'mine' ? first : relation === 'team' ? second : outsider] };
  const voters = [{ id: demo.admin, roles: ['admin'] }];
  const gate = aGate({ requester: outsider, eligible: voters });
  const start = aStart(id, { tenant, subject: { type: 'ticket', id: ticket }, requester: outsider, startedAt: noon + n });
  await stage.journeys.keep(
    aRecord(id, {
      tenant,
      view: { start },
      visits: [aVisit({ task: aTask({ roles: [], ...asked }) })],
      gates: [{ step: 'credit', visit: 1, gate }],
    }),
  );
  await stage.journeys.keepHandoff(aHandoffRecord(id, { tenant, view: { roles: [], ...asked, createdAt: noon + n } }));
  return id;
}

async function theirCustomer(stage: Stage): Promise<string> {
  return created(await stage.call('foreign', 'POST', '/v1/customers', { name: 'Theirs' })).body.id as string;
}

async function theirProduct(stage: Stage): Promise<string> {
  const product = { key: 'theirs', name: 'Theirs', settings: { fromName: 'Theirs' } };
  return created(await stage.call('foreign', 'POST', '/v1/products', product)).body.key as string;
}

/** One of each kind that belongs to the tenant as a whole. */
async function thingsOf(stage: Stage, who: 'admin' | 'foreign', name: string): Promise<Row> {
  const tenant = who === 'admin' ? demo.tenant : otherTenant;
  const make = async (path: string, body?: object, headers: Record<string, string> = {}): Promise<string> =>
    String(created(await stage.call(who, path.startsWith('PUT ') ? 'PUT' : 'POST', path.replace('PUT ', ''), body, headers)).body.id);
  const account = await make('/v1/service-accounts', { name, scopes: ['tickets:read'] });
  const person = { name, email: `${name}@example.com`, memberships: [{ role: 'agent' }] };
  const userId = await make('/v1/users', person);
  const issuer = `https://${name}.example.com`;
  const hours = { zone: 'Europe/Berlin', weekly: { mon: [['09:00', '17:00']] } };
  const templateKey = `template_${name}`;
  await publishBuiltInsOf(stage.db, tenant, [template(templateKey), template('renewal')]);
  const eventId = `evt-${name}`;
  created(await stage.call(who, 'POST', '/v1/events', { id: eventId, type: 'crm:note', source: 'crm', data: {} }));
  const endpointId = await make('/v1/webhook-endpoints', { url: `https://${name}.example.com/`, types: ['*'], description: name });
  const subject = { type: 'customer', subjectId: name };
  created(await stage.call(who, 'PUT', `/v1/subjects/${subject.type}/${subject.subjectId}`, { attributes: { monthlyUsage: 85 } }));
  return {
    endpointId,
    deliveryId: await make(`/v1/webhook-endpoints/${endpointId}/test`, {}, { prefer: 'respond-async' }),
    hookId: await make('/v1/hook-endpoints', { provider: 'standard', name, description: name }),
    provider: 'standard',
    address: `demo.${name}`,
    agentId: userId,
    userId,
    teamId: await make('/v1/teams', { name }),
    accountId: account,
    keyId: await make('/v1/api-keys', { owner: `service/${account}`, name }),
    providerId: await make('/v1/identity-providers', { issuer, name, audience: 'https://desk.example.com' }),
    calendarId: await make('/v1/sla/calendars', { id: `hours-${name}`, name, ...hours }),
    revision: await policies(stage, who),
    jobId: await job(stage, who, name === 'ours' ? 1 : 5),
    key: templateKey,
    version: '1',
    file: 'usher-docs.js',
    code: 'not_found',
    eventId,
    ...subject,
    erasureId: await make(`/v1/customers/${await make('/v1/customers', { name })}/erase`, {}),
    inboundId: await quarantined(stage, tenant, name),
  };
}

/** The number of a set of policies that the other tenant does not have. */
async function policies(stage: Stage, who: 'admin' | 'foreign'): Promise<string> {
  const publish = async (): Promise<Reply> =>
    created(await stage.call(who, 'POST', '/v1/sla/policy-sets', { policies: [], mode: 'new_tickets' }));
  const first = await publish();
  return String((who === 'admin' ? first : await publish()).body.revision);
}

async function job(stage: Stage, who: 'admin' | 'foreign', n: number): Promise<string> {
  const asked = { verb: 'pause', args: { reason: 'The provider is down' }, filter: { ids: [`JRN-W${String(n).padStart(15, '0')}`] } };
  const { previewToken } = created(await stage.call(who, 'POST', '/v1/journeys/bulk/preview', asked)).body;
  return String(created(await stage.call(who, 'POST', '/v1/journeys/bulk', { previewToken })).body.id);
}

/** Mails that wait for a decision, a new one for everyone who asks: who decides takes one away. */
async function quarantined(stage: Stage, tenant: TenantId, name: string): Promise<() => string> {
  const row = { channel: 'email', account: 'mail', cause: 'unparsable', rawKey: `raw/${name}`, size: 1, mailId: null } as const;
  const summary = { sender: 'a@example.com', subject: name, product: null } as const;
  const ids = Array.from({ length: 40 }, () => crypto.randomUUID());
  await stage.sql(async (tx) => {
    for (const id of ids) await storeInbound(tx, tenant, { id, externalId: id, ...row, ...summary });
  }, tenant);
  let next = 0;
  return () => ids[(next += 1) % ids.length] ?? '';
}
