/** `npm run seed`: a believable desk with a year behind it, for demos, tests and measurements. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import { loadConfig } from '../config.js';
import { loadSample, SampleError } from '../db/sample/load.js';
import { sampleProduct, sizes } from '../db/sample/plan.js';
import type { SizeName } from '../db/sample/plan.js';
import { demo } from '../db/seed.js';
import { startWorkflows } from './sample-workflows.js';
import { infoName } from './state-folder.js';

const count = (number: number): string => number.toLocaleString('en');

const usage = `npm run seed -- [--size small|medium|large] [flags]   loads a sample desk into the tenant demo, under the product "${sampleProduct}"

${Object.entries(sizes)
  .map(([name, size]) => {
    return `  ${name.padEnd(8)} ${count(size.tickets)} tickets, ${count(size.open)} of them open, ${count(size.customers)} customers, ${count(size.agents)} agents in ${size.teams} teams`;
  })
  .join('\n')}

  --size <name>         how much (small)
  --state-dir <folder>  where the system that runs keeps its state (.usher); without one, DATABASE_URL and TEMPORAL_ADDRESS say where
  --no-workflows        leaves open tickets without workflows: they can be read, and take no commands
  --help                this text

The same size gives the same tickets, up to the hour in which it is loaded. Nobody is mailed about them. A run that was broken off goes on
where it was; one that is repeated changes nothing.`;

const Info = z.object({ databaseUrl: z.string(), temporalAddress: z.string(), namespace: z.string() });

class UsageError extends Error {
  override readonly name = 'UsageError';
}

interface Asked {
  readonly size: SizeName;
  readonly stateDir: string;
  readonly workflows: boolean;
  readonly help: boolean;
}

function understood(args: readonly string[]): Asked {
  const options = {
    size: { type: 'string', default: 'small' },
    'state-dir': { type: 'string', default: '.usher' },
    'no-workflows': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  } as const;
  const values = parsed(() => parseArgs({ args: [...args], options }).values);
  const { size } = values;
  if (!isSize(size)) throw new UsageError(`--size must be ${Object.keys(sizes).join(', ')}; it is "${size}"`);
  return { size, stateDir: values['state-dir'], workflows: !values['no-workflows'], help: values.help };
}

function parsed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

const isSize = (name: string): name is SizeName => Object.hasOwn(sizes, name);

/** The system that runs on this folder, else what the environment names. */
async function target(stateDir: string): Promise<z.output<typeof Info>> {
  const text = await readFile(join(stateDir, infoName), 'utf8').catch(() => null);
  if (text !== null) return Info.parse(JSON.parse(text));
  const { DATABASE_URL, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } = loadConfig();
  return { databaseUrl: DATABASE_URL, temporalAddress: TEMPORAL_ADDRESS, namespace: TEMPORAL_NAMESPACE };
}

/** Tells how far it is, at most twice a second. */
function progress(what: string): (done: number, total: number) => void {
  let told = 0;
  return (done, total) => {
    if (done < total && Date.now() - told < 500) return;
    told = Date.now();
    process.stderr.write(`${what}: ${count(done)} of ${count(total)}\n`);
  };
}

async function seed({ size, stateDir, workflows }: Asked): Promise<void> {
  const { databaseUrl: url, temporalAddress: address, namespace } = await target(stateDir);
  const began = Date.now();
  const { written, open } = await loadSample({ url, tenant: demo.tenant, size, until: began, onProgress: progress('tickets') });
  if (workflows && open.length > 0) {
    const connection = await Connection.connect({ address });
    try {
      const { TASK_QUEUE_SUFFIX: queueSuffix, CONTINUE_AFTER: continueAfter } = loadConfig({ ...process.env, DATABASE_URL: url });
      const client = new Client({ connection, namespace });
      await startWorkflows(client, open, { queueSuffix, continueAfter, onProgress: progress('workflows') });
    } finally {
      await connection.close();
    }
  }
  const took = `${((Date.now() - began) / 1_000).toFixed(1)} s`;
  const all = count(sizes[size].tickets);
  console.log(
    written === 0
      ? `The ${all} tickets of this size are there already; their workflows run. (${took})`
      : `${count(written)} of ${all} tickets written, ${count(open.length)} open. (${took})`,
  );
}

async function main(args: readonly string[]): Promise<number> {
  try {
    const asked = understood(args);
    if (asked.help) console.log(usage);
    else await seed(asked);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n\n${usage}`);
      return 2;
    }
    console.error(error instanceof SampleError ? error.message : error);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
