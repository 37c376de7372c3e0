/** The file of a workload and commit: one column for each engine, with every round. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Plan } from './bench.js';
import type { Row } from './report.js';
import type { Surroundings } from './surroundings.js';
import type { Verdict } from './verdicts.js';

const folder = join(import.meta.dirname, 'results');

export interface Column {
  at: string;
  surroundings: Surroundings;
  plan: Plan;
  findings: object;
  verdicts: Verdict[];
  /** What the table says. */
  rows: readonly Row[];
}

const StoredRows = z.array(z.tuple([z.string(), z.string()]));
const Stored = z.object({ columns: z.record(z.string(), z.looseObject({ rows: StoredRows })) });

export const fileOf = (workload: string, commit: string): string => join(folder, `${workload}-${commit}.json`);

/**
 * Adds a column, or replaces the one of the same name.
 *
 * @returns the rows of all columns in the file
 */
export async function writeResults(file: string, workload: string, name: string, column: Column): Promise<Record<string, readonly Row[]>> {
  const before = Stored.safeParse(await readJson(file));
  const columns = { ...(before.success ? before.data.columns : {}), [name]: column };
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ workload, columns }, null, 2)}\n`);
  return Object.fromEntries(Object.entries(columns).map(([key, { rows }]) => [key, rows]));
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}
