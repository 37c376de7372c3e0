/** Opaque page cursors: signed, and good only for the same caller, filter and sort. */
import { z } from 'zod';
import { Refusal } from './errors.js';
import type { SigningKeys } from './signing.js';
import type { Principal } from '../domain/access/principal.js';

const Position = z.tuple([z.string(), z.string()]);

export interface Position {
  /** The sort key of the last row. */
  readonly position: string;
  readonly id: string;
}

/** What a cursor is bound to: who asks with which reach, and the list as filtered and sorted; not how much of each entry is shown. */
export const cursorBinding = (reader: Principal, list: string, query: Readonly<Record<string, unknown>>): string => {
  const { tenant, role, id, products, teams, actingFor } = reader;
  const asked = Object.entries(query)
    .filter(([name]) => !['cursor', 'limit', 'fields'].includes(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([tenant, role, id, products, [...teams].toSorted(), actingFor, list, asked]);
};

export function writeCursor(keys: SigningKeys, binding: string, { position, id }: Position): string {
  const payload = Buffer.from(JSON.stringify([position, id])).toString('base64url');
  return `${payload}.${keys.sign('cursor', `${binding}\u001F${payload}`)}`;
}

/** @throws Refusal `cursor_invalid` */
export function readCursor(keys: SigningKeys, binding: string, cursor: string): Position {
  const at = cursor.indexOf('.');
  const payload = cursor.slice(0, at);
  if (at < 1 || !keys.verify('cursor', `${binding}\u001F${payload}`, cursor.slice(at + 1))) throw new Refusal('cursor_invalid');
  const [position, id] = Position.parse(JSON.parse(Buffer.from(payload, 'base64url').toString()));
  return { position, id };
}

export interface Page<T> {
  readonly data: readonly T[];
  readonly page: { readonly next: string | null; readonly hasMore: boolean };
}

/** Makes a page of rows of which one more than `limit` was asked for. */
export function pageOf<Row, View>(rows: readonly Row[], limit: number, view: (row: Row) => View, next: (last: Row) => string): Page<View> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const hasMore = rows.length > limit;
  return { data: shown.map(view), page: { next: hasMore && last !== undefined ? next(last) : null, hasMore } };
}
