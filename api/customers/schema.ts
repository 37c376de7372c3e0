import { z } from 'zod';
import { OneLine } from '../../domain/configuration/schema.js';
import { ConfigKey } from '../../domain/sla/schema.js';
import { Moment, PageQuery, pageSchema, storable, Uuid } from '../contract.js';

export const CustomerName = OneLine(200);

/** Lower-cased: one address is one customer, however it is written. */
export const EmailAddress = z
  .string()
  .max(254)
  .transform((text) => text.trim().toLowerCase())
  .pipe(z.email());

/** E.164, whatever separators it comes with. */
export const PhoneNumber = z
  .string()
  .max(40)
  .transform((text) => text.replaceAll(/[ ().-]/g, ''))
  .pipe(z.string().regex(/^\+[1-9]\d{6,14}$/, 'must be an international number beginning with +'));

const ExternalId = OneLine(100);

export const CreateCustomer = z
  .strictObject({
    name: z.exactOptional(CustomerName),
    email: z.exactOptional(EmailAddress),
    phone: z.exactOptional(PhoneNumber),
    externalId: z.exactOptional(ExternalId),
    tier: z.exactOptional(ConfigKey).describe('what policies of service levels may ask for; by staff only'),
  })
  .refine((given) => Object.keys(given).length > 0, 'must say something of the customer')
  .meta({ id: 'CreateCustomer' });
export type CreateCustomer = z.output<typeof CreateCustomer>;

export const CustomerParams = z.object({ customerId: Uuid });

export const CustomerQuery = z.strictObject({
  q: z.exactOptional(storable.min(1).max(100)).describe('part of the name, or the beginning of an address or number'),
  email: z.exactOptional(storable.max(254)),
  phone: z.exactOptional(storable.max(40)),
  externalId: z.exactOptional(storable.max(100)),
  ...PageQuery,
});
export type CustomerQuery = z.output<typeof CustomerQuery>;

export const CustomerView = z
  .strictObject({
    id: Uuid,
    name: z.string().nullable(),
    externalId: z.string().nullable(),
    tier: z.exactOptional(z.string().nullable()).describe('not for customers'),
    contacts: z.array(z.strictObject({ kind: z.enum(['email', 'phone']), value: z.string(), verified: z.boolean(), bounced: z.boolean() })),
    createdAt: Moment,
    updatedAt: Moment,
  })
  .meta({ id: 'Customer' });
export type CustomerView = z.output<typeof CustomerView>;

export const CustomerPage = pageSchema('CustomerPage', CustomerView);

export const HistoryQuery = z.strictObject(PageQuery);
export type HistoryQuery = z.output<typeof HistoryQuery>;

export const CustomerHistoryEntry = z
  .strictObject({
    at: Moment,
    kind: z.enum(['ticket', 'message']),
    ticket: z.string(),
    product: z.string(),
    /** Of a ticket. */
    subject: z.exactOptional(z.string().nullable()),
    status: z.exactOptional(z.string()),
    /** Of a message. */
    message: z.exactOptional(Uuid),
    author: z.exactOptional(z.enum(['customer', 'agent', 'service', 'system'])),
    text: z.exactOptional(z.string().nullable()),
  })
  .meta({ id: 'CustomerHistoryEntry' });
export type CustomerHistoryEntry = z.output<typeof CustomerHistoryEntry>;
export const CustomerHistory = pageSchema('CustomerHistory', CustomerHistoryEntry);
