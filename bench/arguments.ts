import { parseArgs } from 'node:util';
import { z } from 'zod';
import { ConfigSchema } from '../config.js';
import type { Plan } from './bench.js';
import { partNames } from './storm/parts.js';
import type { PartName } from './storm/parts.js';

const workloads = ['w1', 'w2', 'w3', 'w4', 'w5', 'w6'] as const;
export type Workload = (typeof workloads)[number];

export interface BenchArguments {
  help: boolean;
  workload: Workload;
  engine: 'dev' | 'server';
  /** Of api and worker, besides the usual ones. */
  settings: Record<string, string>;
  /** State folder of a running system to use instead of one of its own. */
  attach: string | undefined;
  /** Instead of the usual place. */
  out: string | undefined;
  plan: Plan;
}

/** Something on the command line cannot be understood; the message says what. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError';
}

export const usage = `npm run bench -- <w1|w2|w3|w4|w5|w6> [flags]    measures one workload and writes bench/results/<workload>-<commit>.json

  w1                     creates: POST /v1/tickets
  w2                     reads of a desk of 10,000 tickets and of one of 100,000: get, list, search
  w3                     whole lives of nine calls, from create to close
  w4                     deadlines by the thousand: how late breaches are recorded and told of, beside a scanner that looks each
                         five minutes; ten to fifteen minutes on two quiet cores
  w5                     a thousand live streams beside whole lives, of which each tenth is cut off now and then: how late events come,
                         and whether any comes twice or never
  w6                     500 journeys with a step every ten seconds each, alone and beside whole lives of tickets

  --part <a,b>           parts of w4, in this order: ${partNames.join(', ')} (all; with --quick the first two)
  --rate <a,b,c>         operations per second of the open rounds (w1: 5,20,50; w2: 100; w3: 2,4,6; w4: 2, creates beside a storm;
                         w5: 1, w6: 2, lives beside streams or journeys)
  --seconds <n>          length of each open round (60); closed rounds take a third of it
  --rounds <n>           pairs of rounds in the comparison with plain starts (5)
  --engine <dev|server>  the dev server on a file, or the production-like server on PostgreSQL (dev)
  --deliveries           w3 with a product that sends mail
  --arrivals <poisson|uniform>  send times of the open rounds (poisson)
  --held <n>             open tickets held to measure memory (500)
  --streams <n>          live streams of w5, by twenties (1000)
  --quick                short rounds, small samples: shows that it works, no figure to quote
  --set <NAME=value>     an environment variable of api and worker, as in .env.example; may be given several times
                         (w4: OUTBOUND_RATE=500, WORKER_CACHE=6000, WORKER_THREADS=6 and STICKY_TIMEOUT_MS=60000, for storms:
                         docs/operators.md)
  --attach               use the system that runs on --state-dir; its tickets stay there, parts are not restarted,
                         so memory and statements are not counted
  --state-dir <folder>   where that system keeps its state (.usher)
  --out <file>           where the results go
  --help                 this text

The system under test is started for the run, on free ports and in a temporary folder (TMPDIR), and removed afterwards.
What is being done is told on the error stream; the table goes to the output.
Figures of the dev server and of the server on PostgreSQL stand in separate columns and are never compared.`;

const standardRates = { w1: [5, 20, 50], w2: [100], w3: [2, 4, 6], w4: [2], w5: [1], w6: [2] } as const;
/** What a desk is set to whose deadlines fall together by the thousand: docs/operators.md. */
const stormSettings = { OUTBOUND_RATE: '500', WORKER_CACHE: '6000', WORKER_THREADS: '6', STICKY_TIMEOUT_MS: '60000' } as const;
/** What has no use for which flags. */
const useless = {
  w2: ['rounds', 'held', 'deliveries', 'attach', 'set'],
  w4: ['seconds', 'rounds', 'held', 'deliveries', 'attach'],
  w5: ['rounds', 'held', 'deliveries'],
  w6: ['rounds', 'held', 'deliveries', 'attach'],
} as const;

const Positive = z.coerce.number().positive();
const Count = z.coerce.number().int().min(1);

/** @throws ArgumentError */
export function parseBenchArguments(args: readonly string[]): BenchArguments {
  const { values, positionals } = parse(args);
  const [workload = '', ...more] = positionals;
  const help = values.help ?? false;
  if (!help && (more.length > 0 || !isWorkload(workload))) throw new ArgumentError('name one workload: w1, w2, w3, w4, w5 or w6');
  const chosen = isWorkload(workload) ? workload : 'w1';
  const quick = values.quick ?? false;
  const openSeconds = number('--seconds', values.seconds, Positive) ?? (quick ? 6 : 60);
  const deliveries = values.deliveries ?? false;
  if (deliveries && chosen !== 'w3') throw new ArgumentError('--deliveries goes with w3');
  const rates = values.rate?.split(',').map((rate) => number('--rate', rate, Positive) ?? 0);
  if (chosen !== 'w1' && chosen !== 'w3') {
    const idle = useless[chosen].find((flag) => values[flag] !== undefined);
    if (idle !== undefined) throw new ArgumentError(`--${idle} does not go with ${chosen}`);
    if (chosen !== 'w2' && rates !== undefined && rates.length > 1) throw new ArgumentError(`--rate is one number with ${chosen}`);
  }
  if (chosen !== 'w4' && values.part !== undefined) throw new ArgumentError('--part goes with w4');
  if (chosen !== 'w5' && values.streams !== undefined) throw new ArgumentError('--streams goes with w5');
  const settings = { ...(chosen === 'w4' ? stormSettings : {}), ...settingsIn(values.set ?? []) };
  if (values.attach === true && values.set !== undefined) throw new ArgumentError('--set goes with a system of its own, not with --attach');
  return {
    help,
    workload: chosen,
    engine: oneOf('--engine', values.engine, ['dev', 'server']) ?? 'dev',
    settings,
    attach: values.attach === true ? (values['state-dir'] ?? '.usher') : undefined,
    out: values.out,
    plan: {
      rates: rates ?? standardRates[chosen],
      openSeconds,
      closedSeconds: Math.max(2, openSeconds / 3),
      pairs: number('--rounds', values.rounds, Count) ?? (quick ? 2 : 5),
      warmUp: quick ? { seconds: 3, operations: 100 } : { seconds: 30, operations: 2_000 },
      sample: quick ? 5 : 20,
      held: number('--held', values.held, Count) ?? (quick ? 100 : 500),
      arrivals: oneOf('--arrivals', values.arrivals, ['poisson', 'uniform']) ?? 'poisson',
      deliveries,
      streams: number('--streams', values.streams, Count) ?? (quick ? 200 : 1_000),
      parts: partsIn(values.part, quick),
      quick,
    },
  };
}

const isWorkload = (text: string): text is Workload => workloads.some((workload) => workload === text);

function partsIn(text: string | undefined, quick: boolean): readonly PartName[] {
  if (text === undefined) return quick ? partNames.slice(0, 2) : partNames;
  return text.split(',').flatMap((name) => oneOf('--part', name, partNames) ?? []);
}

function settingsIn(given: readonly string[]): Record<string, string> {
  const pairs = given.map((text): [string, string] => {
    const at = text.indexOf('=');
    const name = text.slice(0, Math.max(0, at));
    if (!Object.hasOwn(ConfigSchema.shape, name))
      throw new ArgumentError(`--set is NAME=value with a variable of .env.example, not ${text}`);
    return [name, text.slice(at + 1)];
  });
  return Object.fromEntries(pairs);
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        part: text,
        rate: text,
        set: { type: 'string', multiple: true },
        seconds: text,
        rounds: text,
        engine: text,
        deliveries: flag,
        arrivals: text,
        held: text,
        streams: text,
        quick: flag,
        attach: flag,
        'state-dir': text,
        out: text,
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new ArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function number(flag: string, text: string | undefined, shape: z.ZodType<number>): number | undefined {
  if (text === undefined) return undefined;
  const parsed = shape.safeParse(text);
  if (!parsed.success) throw new ArgumentError(`${flag} is no such number: ${text}`);
  return parsed.data;
}

function oneOf<const Choice extends string>(flag: string, text: string | undefined, choices: readonly Choice[]): Choice | undefined {
  if (text === undefined) return undefined;
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new ArgumentError(`${flag} is ${choices.join(' or ')}, not ${text}`);
  return found;
}
