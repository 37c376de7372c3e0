/** Customers, and what happened with each. */
import { v7 } from 'uuid';
import type { Caller, Reader } from '../caller.js';
import { cursorBinding, pageOf, readCursor, writeCursor } from '../cursor.js';
import type { Page } from '../cursor.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { takeKey } from '../middleware/idempotency.js';
import type { Answer } from '../middleware/idempotency.js';
import type { TicketEngine } from '../tickets/engine.js';
import { iso } from '../tickets/view.js';
import { EmailAddress, PhoneNumber } from './schema.js';
import type { CreateCustomer, CustomerHistoryEntry, CustomerQuery, CustomerView, HistoryQuery } from './schema.js';
import { customerHistory, findCustomer, listCustomers } from '../../db/queries/directory.js';
import { isTaken } from '../../db/queries/errors.js';
import type { CustomerEvent, CustomerRecord } from '../../db/queries/directory.js';
import { isErased } from '../../db/queries/erasures.js';
import type { Principal } from '../../domain/access/principal.js';
import { asCustomerId } from '../../domain/ids.js';

export type CustomerService = ReturnType<typeof createCustomerService>;

export function createCustomerService({ keys }: Pick<Deps, 'keys'>, engine: Pick<TicketEngine, 'within'>) {
  const find = async (reader: Reader, id: string): Promise<CustomerRecord> => {
    const { principal } = reader;
    const mine = principal.role !== 'customer' || principal.id === id;
    const found = await engine.within(reader, (tx) => findCustomer(tx, principal.tenant, mine ? id : nobody));
    if (found !== undefined) return found;
    const erased = mine && (await engine.within(reader, (tx) => isErased(tx, principal.tenant, id)));
    throw new Refusal(erased ? 'erased' : 'not_found');
  };

  return {
    async create(caller: Caller, { name, email, phone, externalId, tier }: CreateCustomer): Promise<Answer> {
      const { principal } = caller;
      if (principal.role === 'customer') throw new Refusal('forbidden', { members: { permission: 'customer.write' } });
      const id = asCustomerId(v7());
      const contacts = [
        ...(email === undefined ? [] : [{ kind: 'email' as const, value: email }]),
        ...(phone === undefined ? [] : [{ kind: 'phone' as const, value: phone }]),
      ];
      try {
        const made = await engine.within(caller, async (tx) => {
          const newcomer = { id, name: name ?? null, externalId: externalId ?? null, contacts, ...(tier === undefined ? {} : { tier }) };
          await takeKey(tx, caller, { newcomers: [newcomer] });
          return findCustomer(tx, principal.tenant, id);
        });
        if (made === undefined) throw new Error('a customer just stored is not there');
        return { status: 201, body: customerView(principal)(made), headers: { location: `/v1/customers/${id}` } };
      } catch (error) {
        if (isTaken(error)) throw new Refusal('contact_taken');
        throw error;
      }
    },

    async list(reader: Reader, query: CustomerQuery): Promise<Page<CustomerView>> {
      const { principal } = reader;
      const { q, email, phone, externalId, limit, cursor } = query;
      const binding = cursorBinding(principal, 'customers', query);
      const after = cursor === undefined ? undefined : readCursor(keys, binding, cursor);
      const filter = {
        ...(q === undefined ? {} : { text: q }),
        // What could never be stored is found nowhere.
        ...(email === undefined ? {} : { email: EmailAddress.safeParse(email).data ?? email }),
        ...(phone === undefined ? {} : { phone: PhoneNumber.safeParse(phone).data ?? phone }),
        ...(externalId === undefined ? {} : { externalId }),
        ...(principal.role === 'customer' ? { id: principal.id } : {}),
      };
      const rows = await engine.within(reader, (tx) =>
        listCustomers(tx, principal.tenant, filter, { limit, ...(after === undefined ? {} : { after }) }),
      );
      return pageOf(rows, limit, customerView(principal), (last) => writeCursor(keys, binding, last));
    },

    get: async (reader: Reader, id: string): Promise<CustomerView> => customerView(reader.principal)(await find(reader, id)),

    async history(reader: Reader, id: string, { limit, cursor }: HistoryQuery): Promise<Page<CustomerHistoryEntry>> {
      await find(reader, id);
      const binding = cursorBinding(reader.principal, `customers/${id}/history`, {});
      const after = cursor === undefined ? undefined : readCursor(keys, binding, cursor);
      const rows = await engine.within(reader, (tx) =>
        customerHistory(tx, reader.principal, id, { limit, ...(after === undefined ? {} : { after }) }),
      );
      return pageOf(rows, limit, historyEntry, (last) => writeCursor(keys, binding, last));
    },
  };
}

/** An id nobody has: the way of a foreign id is the way of an absent one. */
const nobody = '00000000-0000-0000-0000-000000000000';

const customerView =
  ({ role }: Principal) =>
  ({ id, name, externalId, tier, contacts, createdAt, updatedAt }: CustomerRecord): CustomerView => ({
    id,
    name,
    externalId,
    ...(role === 'customer' ? {} : { tier }),
    contacts: contacts.map((contact) => ({ ...contact })),
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  });

const historyEntry = ({ id, at, kind, ticket, product, subject, status, author, text }: CustomerEvent): CustomerHistoryEntry =>
  kind === 'ticket'
    ? { at: iso(at), kind, ticket, product, subject, status: status ?? '' }
    : { at: iso(at), kind, ticket, product, message: id, author: author ?? 'system', text };
