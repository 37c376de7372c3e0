import { z } from 'zod';
import { standardLimits } from '../../domain/access/limits.js';
import type { TenantLimitName } from '../../domain/access/limits.js';

const most = 100_000_000;

/** What each limit is about, in the words of the document. */
const texts: Readonly<Record<TenantLimitName, string>> = {
  service: 'requests of one key of a service account in a minute',
  staff: 'requests of one key of an agent, a lead or an admin in a minute',
  customer: 'requests of one customer in a minute, by whatever credential',
  tenant: 'requests of everyone together in a minute',
  search: 'of these, requests that search words',
  customerTickets: 'tickets one customer opens in an hour',
  tickets: 'tickets one key opens in a minute',
};

const limit = (name: TenantLimitName) => z.int().min(1).max(most).default(standardLimits[name].most).describe(texts[name]);

export const RequestLimitsView = z
  .strictObject({
    service: limit('service'),
    staff: limit('staff'),
    customer: limit('customer'),
    tenant: limit('tenant'),
    search: limit('search'),
    customerTickets: limit('customerTickets'),
    tickets: limit('tickets'),
  })
  .meta({ id: 'RequestLimits' });
export type RequestLimitsView = z.output<typeof RequestLimitsView>;
