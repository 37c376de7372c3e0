/** Who a new ticket is for. */
import { v7 } from 'uuid';
import type { Reader } from '../caller.js';
import { Refusal } from '../errors.js';
import type { Contact, NewCustomer } from '../../db/queries/directory.js';
import { asCustomerId } from '../../domain/ids.js';
import type { CustomerId } from '../../domain/ids.js';
import { forbidden } from '../forbidden.js';
import type { CreateTicket } from './schema.js';

export interface Asked {
  readonly customer: CustomerId | null;
  readonly contacts: readonly Contact[];
  readonly name: string | null;
}

/** Whom the body names; customers are themselves. */
export function whoAsks({ principal }: Reader, { requester }: CreateTicket): Asked {
  if (principal.role === 'customer') {
    const other = requester !== undefined && !('customerId' in requester && requester.customerId === principal.id);
    if (other) throw forbidden('ticket.create');
    return { customer: asCustomerId(principal.id), contacts: [], name: null };
  }
  if (requester === undefined)
    throw new Refusal('invalid_request', { errors: [{ pointer: '/requester', code: 'required', message: 'is required' }] });
  if ('customerId' in requester) return { customer: asCustomerId(requester.customerId), contacts: [], name: null };
  const { email, phone, name } = requester;
  return {
    customer: null,
    contacts: [
      ...(email === undefined ? [] : [{ kind: 'email' as const, value: email }]),
      ...(phone === undefined ? [] : [{ kind: 'phone' as const, value: phone }]),
    ],
    name: name ?? null,
  };
}

/** The customer behind the contact points, or a new one; the mail address counts before the number. */
export function settleRequester(
  { customer, contacts, name }: Asked,
  known: readonly (Contact & { customer: CustomerId })[],
): { requester: CustomerId; newcomers: NewCustomer[] } {
  const found = customer ?? known.find((contact) => contact.kind === 'email')?.customer ?? known[0]?.customer;
  if (found !== undefined) return { requester: found, newcomers: [] };
  const id = asCustomerId(v7());
  return { requester: id, newcomers: [{ id, name, externalId: null, contacts }] };
}
