/** Rows into a table by COPY. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from } from 'pg-copy-streams';
import type { Row, Value } from './rows.js';

/** Writes rows that all have the columns of the first one. */
export async function copyRows(client: pg.ClientBase, table: string, rows: readonly Row[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const columns = Object.keys(first);
  const lines = rows.map((row) => `${columns.map((column) => textOf(row[column] ?? null)).join('\t')}\n`);
  await pipeline(Readable.from(lines), client.query(from(`copy ${table} (${columns.join(', ')}) from stdin`)));
}

/** A value in PostgreSQL's text format. */
function textOf(value: Value): string {
  if (value === null) return String.raw`\N`;
  if (typeof value === 'boolean') return value ? 't' : 'f';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return escaped(value);
  return escaped(isTexts(value) ? `{${value.map((item) => JSON.stringify(item)).join(',')}}` : JSON.stringify(value));
}

const isTexts = (value: Value): value is readonly string[] => Array.isArray(value);

const special: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
const escaped = (text: string): string => text.replace(/[\\\t\n\r]/g, (sign) => special[sign] ?? sign);
