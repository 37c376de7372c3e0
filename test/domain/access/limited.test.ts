import { expect, test } from 'vitest';
import { limited } from '../../../domain/access/principal.js';
import type { Principal } from '../../../domain/access/principal.js';
import { asProductKey } from '../../../domain/ids.js';
import { tenant, uuid } from '../../support/builders.js';

const service: Principal = {
  tenant,
  actor: `service/${uuid(7)}`,
  id: uuid(7),
  role: 'service',
  products: '*',
  teams: [],
  scopes: ['tickets:read', 'notes'],
  actingFor: null,
};
const [a, b, c] = ['a', 'b', 'c'].map(asProductKey);
const of = (products: Principal['products'], limits: Parameters<typeof limited>[1]) => {
  const { scopes, products: left } = limited({ ...service, products }, limits);
  return { scopes, products: left };
};

test('without limits all of the owner’s reach is left', () => {
  expect(limited(service, { scopes: null, products: null })).toEqual(service);
});

test('limits take away and never add', () => {
  expect(of('*', { scopes: ['notes', 'reports'], products: ['a'] })).toEqual({ scopes: ['notes'], products: ['a'] });
  expect(
    of(
      [a, b].flatMap((key) => key ?? []),
      { scopes: [], products: ['b', 'c'] },
    ),
  ).toEqual({ scopes: [], products: ['b'] });
  expect(
    of(
      [a, c].flatMap((key) => key ?? []),
      { scopes: null, products: null },
    ),
  ).toEqual({ scopes: service.scopes, products: ['a', 'c'] });
  expect(of([], { scopes: null, products: ['a'] }).products).toEqual([]);
});
