/** The wire shapes of tickets: what comes in is strict, what goes out depends on who reads. */
import { z } from 'zod';
import { Category, Lines, OneLine } from '../../domain/configuration/schema.js';
import { ticketSorts } from '../../db/queries/ticket-lists.js';
import { slaStates } from '../../domain/sla/summary.js';
import { channels, openStatuses, priorities, ticketStatuses } from '../../domain/ticket/status.js';
import { CreateAttachment, Upload } from '../attachments/announcement.js';
import { commaList, Moment, PageQuery, pageSchema, storable, Uuid } from '../contract.js';
import { CustomerName, EmailAddress, PhoneNumber } from '../customers/schema.js';

export const TicketNumber = z
  .string()
  .regex(/^TKT-[0-9A-HJKMNP-TV-Z]{8}$/)
  .meta({ id: 'TicketNumber', examples: ['TKT-3V7K9M2Q'] });
export const TicketParams = z.object({ ticketId: z.string().describe('ticket number in any letter case, or the ticket’s uuid') });

const Subject = OneLine(300);
const Body = Lines(100_000);
export const Reason = Lines(500).min(3);
const Tags = z.array(OneLine(50)).max(20);
const FieldKey = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/);
const FieldValue = z.union([storable.max(2_000), z.number(), z.boolean()]);
const mostFields = 50;
const CustomFields = z
  .record(FieldKey, FieldValue)
  .refine((fields) => Object.keys(fields).length <= mostFields, `must have at most ${mostFields} fields`);
const FieldPatch = z
  .record(FieldKey, FieldValue.nullable())
  .refine((fields) => Object.keys(fields).length <= mostFields, `must have at most ${mostFields} fields`);

const RequesterInput = z.union([
  z.strictObject({ customerId: Uuid }),
  z
    .strictObject({ email: z.exactOptional(EmailAddress), phone: z.exactOptional(PhoneNumber), name: z.exactOptional(CustomerName) })
    .refine((given) => given.email !== undefined || given.phone !== undefined, 'needs an email or a phone'),
]);

export const CreateTicket = z
  .strictObject({
    product: z.string().min(1).max(64),
    subject: Subject,
    description: Body,
    channel: z.enum(channels),
    requester: z.exactOptional(RequesterInput).describe('left out by customers: they are it'),
    priority: z.exactOptional(z.enum(priorities)),
    category: z.exactOptional(Category.nullable()),
    tags: z.exactOptional(Tags),
    customFields: z.exactOptional(CustomFields),
    status: z.exactOptional(z.enum(openStatuses)).describe('initial status, by staff only'),
    attachments: z
      .exactOptional(z.array(CreateAttachment).min(1).max(20))
      .describe('files that come with the description: announced here, the answer says where their bytes go'),
  })
  .meta({ id: 'CreateTicket' });
export type CreateTicket = z.output<typeof CreateTicket>;

export const EditTicket = z
  .strictObject({
    subject: z.exactOptional(Subject),
    category: z.exactOptional(Category.nullable()),
    tags: z.exactOptional(Tags),
    customFields: z.exactOptional(FieldPatch).describe('merged; null clears a field'),
    priority: z.exactOptional(z.enum(priorities)),
    status: z.exactOptional(z.enum(ticketStatuses)),
    assigneeId: z.exactOptional(Uuid.nullable()),
    teamId: z.exactOptional(Uuid.nullable()),
  })
  .refine((parts) => Object.keys(parts).length > 0, 'must change something')
  .meta({ id: 'EditTicket' });
export type EditTicket = z.output<typeof EditTicket>;

export const ReasonBody = z.strictObject({ reason: z.exactOptional(Reason) }).meta({ id: 'ReasonBody' });
export type ReasonBody = z.output<typeof ReasonBody>;

export const AssignBody = z
  .strictObject({ agentId: z.exactOptional(Uuid), teamId: z.exactOptional(Uuid), reason: z.exactOptional(Reason) })
  .refine((given) => given.agentId !== undefined || given.teamId !== undefined, 'needs an agentId or a teamId')
  .meta({ id: 'AssignBody' });
export type AssignBody = z.output<typeof AssignBody>;

export const EmptyBody = z.strictObject({}).meta({ id: 'EmptyBody' });
export const PriorityBody = z.strictObject({ priority: z.enum(priorities), reason: z.exactOptional(Reason) }).meta({ id: 'PriorityBody' });
export const WaitBody = z.strictObject({ until: z.exactOptional(Moment), reason: z.exactOptional(Reason) }).meta({ id: 'WaitBody' });
export type WaitBody = z.output<typeof WaitBody>;
export const ResolveBody = z.strictObject({ resolution: z.exactOptional(Body) }).meta({ id: 'ResolveBody' });
export const ReopenBody = z.strictObject({ reason: Reason }).meta({ id: 'ReopenBody' });
export const StatusBody = z
  .strictObject({ status: z.enum(ticketStatuses), until: z.exactOptional(Moment), reason: z.exactOptional(Reason) })
  .meta({ id: 'StatusBody' });
export type StatusBody = z.output<typeof StatusBody>;

/** Whether the reason is there is not a question of form: without one the caller may not. */
export const RemoveQuery = z.strictObject({ reason: z.exactOptional(z.string()) });

export const ticketIncludes = ['requester', 'assignee', 'messages', 'links'] as const;
export type TicketInclude = (typeof ticketIncludes)[number];
const Include = commaList(z.enum(ticketIncludes));

const AssigneeRef = z.union([z.literal('me'), z.literal('none'), Uuid]);

const filters = {
  product: z.exactOptional(commaList(storable.min(1).max(64))).describe('keys by comma, or *'),
  status: z.exactOptional(commaList(z.enum(ticketStatuses))),
  priority: z.exactOptional(commaList(z.enum(priorities))),
  channel: z.exactOptional(commaList(z.enum(channels))),
  category: z.exactOptional(commaList(storable.min(1).max(64))),
  team: z.exactOptional(commaList(Uuid)),
  assignee: z.exactOptional(commaList(AssigneeRef)).describe('ids, me or none'),
  requester: z.exactOptional(commaList(Uuid)),
  tag: z.exactOptional(commaList(storable.min(1).max(50))),
  'createdAt.gte': z.exactOptional(Moment),
  'createdAt.lt': z.exactOptional(Moment),
  'updatedAt.gte': z.exactOptional(Moment),
  'updatedAt.lt': z.exactOptional(Moment),
  escalationLevel: z
    .exactOptional(commaList(z.enum(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])))
    .describe('staff only; 0: not escalated'),
  slaState: z.exactOptional(commaList(z.enum(slaStates))).describe('staff only'),
  slaBreached: z
    .exactOptional(z.stringbool({ truthy: ['true'], falsy: ['false'] }))
    .describe('staff only: some clock of it was breached once'),
  'dueAt.lt': z.exactOptional(Moment).describe('staff only: the nearest deadline lies before'),
  q: z.exactOptional(storable.min(1).max(200)).describe('full text over subject and description'),
  includeRemoved: z.exactOptional(z.stringbool({ truthy: ['true'], falsy: ['false'] })).describe('admins only'),
};

/** Filters by custom field come as `cf.<key>=`; everything else is strict. `more` names what the contract of the route adds. */
const filtered = <Shape extends z.core.$ZodLooseShape>(shape: Shape, more: readonly string[] = []) =>
  z.looseObject(shape).superRefine((query, context) => {
    const others = Object.entries(query).filter(([name]) => !Object.hasOwn(shape, name) && !more.includes(name));
    const keys = others.filter(([name, value]) => !isFieldFilter(name, value)).map(([name]) => name);
    if (keys.length > 0) context.addIssue({ code: 'unrecognized_keys', keys, input: query });
  });

const fieldPrefix = 'cf.';
const isFieldFilter = (name: string, value: unknown): value is string =>
  name.startsWith(fieldPrefix) &&
  FieldKey.safeParse(name.slice(fieldPrefix.length)).success &&
  storable.max(2_000).safeParse(value).success;

/** The custom fields a query filters by. */
export const fieldFilters = (query: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(query).flatMap(([name, value]) => (isFieldFilter(name, value) ? [[name.slice(fieldPrefix.length), value]] : [])),
  );

export const CountQuery = filtered(filters);
export type CountQuery = z.output<typeof CountQuery>;

export const ListQuery = filtered(
  {
    ...filters,
    include: z.exactOptional(Include),
    sort: z.enum(ticketSorts.flatMap((sort) => [sort, `-${sort}`] as const)).default('-createdAt'),
    ...PageQuery,
  },
  ['fields'],
);
export type ListQuery = z.output<typeof ListQuery>;

export const GetQuery = z.strictObject({
  include: z.exactOptional(Include),
  includeRemoved: z.exactOptional(z.stringbool({ truthy: ['true'], falsy: ['false'] })).describe('admins only'),
});
export type GetQuery = z.output<typeof GetQuery>;

const AgentRef = z.strictObject({ id: Uuid, name: z.string(), email: z.exactOptional(z.string()) });
const CustomerRef = z.strictObject({ id: Uuid, name: z.string().nullable(), emails: z.array(z.string()), phones: z.array(z.string()) });
const LinkedTicket = z.strictObject({
  id: TicketNumber,
  subject: z.string().nullable(),
  status: z.enum(ticketStatuses),
  product: z.string(),
});

const AttachmentRef = z
  .strictObject({ id: Uuid, name: z.string(), type: z.string(), size: z.int(), state: z.string() })
  .meta({ id: 'AttachmentRef' });

export const MessageView = z
  .strictObject({
    id: Uuid,
    ticket: TicketNumber,
    version: z.int().describe('version of the ticket that brought it'),
    kind: z.enum(['opening', 'message', 'note', 'resolution']),
    visibility: z.enum(['public', 'internal']),
    author: z.strictObject({ kind: z.enum(['customer', 'agent', 'service', 'system']), id: Uuid.nullable(), name: z.string().nullable() }),
    channel: z.string().nullable(),
    auto: z.boolean().describe('automatic mail'),
    body: z.string().nullable(),
    html: z.string().nullable(),
    attachments: z.array(AttachmentRef),
    createdAt: Moment,
  })
  .meta({ id: 'Message' });
export type MessageView = z.output<typeof MessageView>;

const Included = z.strictObject({
  requester: z.exactOptional(CustomerRef.nullable()),
  assignee: z.exactOptional(AgentRef.nullable()),
  messages: z.exactOptional(z.array(MessageView)).describe('the first 100'),
  links: z.exactOptional(z.array(LinkedTicket)),
});

/** A file a create announced. */
const AnnouncedAttachment = z
  .strictObject({ ...AttachmentRef.shape, upload: z.exactOptional(Upload).describe('where its bytes go; absent once they are there') })
  .meta({ id: 'AnnouncedAttachment' });
export type AnnouncedAttachment = z.output<typeof AnnouncedAttachment>;

const state = {
  id: TicketNumber,
  uuid: z.uuid(),
  product: z.string(),
  status: z.enum(ticketStatuses),
  statusLabel: z.string(),
  priority: z.enum(priorities),
  category: z.string().nullable(),
  channel: z.string(),
  requester: Uuid,
  assignee: Uuid.nullable(),
  team: Uuid.nullable(),
  firstResponseAt: Moment.nullable(),
  resolvedAt: Moment.nullable(),
  closedAt: Moment.nullable(),
  reopenUntil: Moment.nullable(),
  version: z.int(),
  createdAt: Moment,
  updatedAt: Moment,
  attachments: z.exactOptional(z.array(AnnouncedAttachment)).describe('only in the answer to a create: the files it announced'),
};

const texts = {
  subject: z.string().nullable(),
  description: z.string().nullable(),
  tags: z.array(z.string()),
  customFields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  links: z.strictObject({ followUpOf: TicketNumber.nullable(), followUps: z.array(TicketNumber) }),
  included: z.exactOptional(Included),
};

/** What a customer reads of a ticket. */
const CustomerTicket = z.strictObject({ ...state, ...texts }).meta({ id: 'CustomerTicket' });

/** What staff and services read. */
const StaffTicket = z
  .strictObject({
    ...state,
    ...texts,
    escalationLevel: z.int(),
    slaState: z.enum(slaStates),
    slaBreached: z.boolean(),
    dueAt: Moment.nullable(),
    removedAt: z.exactOptional(Moment).describe('only on removed tickets'),
  })
  .meta({ id: 'StaffTicket' });

export const TicketView = z.union([StaffTicket, CustomerTicket]);
export type TicketView = z.output<typeof TicketView>;

/** A ticket as its workflow answered, while PostgreSQL follows: without texts. */
export const AcceptedTicket = z.strictObject(state).meta({ id: 'AcceptedTicket' });
export type AcceptedTicket = z.output<typeof AcceptedTicket>;

/** Accepted without waiting for the result. */
export const AcceptedCommand = z.strictObject({ id: TicketNumber, commandId: z.string() }).meta({ id: 'AcceptedCommand' });

export const TicketPageView = pageSchema('TicketPage', TicketView);
export const TicketCount = z
  .strictObject({ count: z.int().max(10_000), text: z.string().describe('the count, or 10000+') })
  .meta({ id: 'TicketCount' });

export const EventsQuery = z.strictObject(PageQuery);
/** CloudEvents 1.0; readers ignore members they do not know. */
const EventView = z
  .strictObject({
    specversion: z.literal('1.0'),
    id: Uuid,
    source: z.literal('usher'),
    type: z.string(),
    subject: z.string().describe('ticket/<number>'),
    time: Moment,
    datacontenttype: z.literal('application/json'),
    tenant: Uuid,
    product: z.string().nullable(),
    seq: z.int().describe('without gaps, per subject'),
    causationid: z.string().describe('the command it came from'),
    correlationid: z.string().describe('what all of it is about'),
    version: z.int().describe('of the ticket; the same as seq'),
    actor: z.string(),
    role: z.string(),
    via: z.string().describe('the way the command came in: api, mail, operator, system'),
    content: Uuid.nullable().describe('the text it brought'),
    data: z.record(z.string(), z.unknown()).describe('ids, enums, numbers, instants, names of changed fields; the version'),
  })
  .meta({ id: 'Event' });
export type EventView = z.output<typeof EventView>;
export const EventPage = pageSchema('EventPage', EventView);

export const HistoryEntry = z
  .strictObject({
    version: z.int(),
    at: Moment,
    type: z.string(),
    actor: z.strictObject({ ref: z.string(), role: z.string(), name: z.string().nullable() }),
    summary: z.string(),
    text: z.string().nullable().describe('the message, note or reason that came with it'),
  })
  .meta({ id: 'HistoryEntry' });
export const HistoryPage = pageSchema('HistoryPage', HistoryEntry);
