/** Statements that are put together once: for a long one that takes longer than PostgreSQL needs to find its plan. */
import { CompiledQuery, sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { TenantTx } from './client.js';

/** Where a statement takes each of its values. */
export type Places<Values> = { readonly [Name in keyof Values]: RawBuilder<unknown> };

class Place {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * A statement without its values, put together when it is first run.
 *
 * @param build sees places instead of values: what differs by a value is another statement
 * @returns runs it with these values
 */
export function statementOf<Values extends object>(
  build: (places: Places<Values>) => RawBuilder<unknown>,
): (tx: TenantTx, values: Values) => Promise<void> {
  let made: CompiledQuery | undefined;
  return async (tx, values) => {
    made ??= build(placesOf<Values>()).compile(tx);
    const given = new Map<string, unknown>(Object.entries(values));
    const parameters = made.parameters.map((place) => {
      if (!(place instanceof Place) || !given.has(place.name))
        throw new Error('a statement that is put together once has places for values only');
      return given.get(place.name);
    });
    await tx.executeQuery(CompiledQuery.raw(made.sql, parameters));
  };
}

const placesOf = <Values>(): Places<Values> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  new Proxy({}, { get: (_none, name) => sql`${new Place(String(name))}` }) as Places<Values>;
