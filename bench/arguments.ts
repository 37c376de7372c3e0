import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { Plan } from './bench.js';

export interface BenchArguments {
  help: boolean;
  workload: 'w1' | 'w3';
  engine: 'dev' | 'server';
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

export const usage = `npm run bench -- <w1|w3> [flags]    measures one workload and writes bench/results/<workload>-<commit>.json

  w1                     creates: POST /v1/tickets
  w3                     whole lives of nine calls, from create to close

  --rate <a,b,c>         operations per second of the open rounds (w1: 5,20,50; w3: 2,4,6)
  --seconds <n>          length of each open round (60); closed rounds take a third of it
  --rounds <n>           pairs of rounds in the comparison with plain starts (5)
  --engine <dev|server>  the dev server on a file, or the production-like server on PostgreSQL (dev)
  --deliveries           w3 with a product that sends mail
  --arrivals <poisson|uniform>  send times of the open rounds (poisson)
  --held <n>             open tickets held to measure memory (500)
  --quick                short rounds, small samples: shows that it works, no figure to quote
  --attach               use the system that runs on --state-dir; its tickets stay there, parts are not restarted,
                         so memory and statements are not counted
  --state-dir <folder>   where that system keeps its state (.usher)
  --out <file>           where the results go
  --help                 this text

The system under test is started for the run, on free ports and in a temporary folder (TMPDIR), and removed afterwards.
Figures of the dev server and of the server on PostgreSQL stand in separate columns and are never compared.`;

const standardRates = { w1: [5, 20, 50], w3: [2, 4, 6] } as const;

const Positive = z.coerce.number().positive();
const Count = z.coerce.number().int().min(1);

/** @throws ArgumentError */
export function parseBenchArguments(args: readonly string[]): BenchArguments {
  const { values, positionals } = parse(args);
  const [workload = '', ...more] = positionals;
  const help = values.help ?? false;
  if (!help && (more.length > 0 || !isWorkload(workload))) throw new ArgumentError('name one workload: w1 or w3');
  const chosen = isWorkload(workload) ? workload : 'w1';
  const quick = values.quick ?? false;
  const openSeconds = number('--seconds', values.seconds, Positive) ?? (quick ? 6 : 60);
  const deliveries = values.deliveries ?? false;
  if (deliveries && chosen !== 'w3') throw new ArgumentError('--deliveries goes with w3');
  const rates = values.rate?.split(',').map((rate) => number('--rate', rate, Positive) ?? 0);
  return {
    help,
    workload: chosen,
    engine: oneOf('--engine', values.engine, ['dev', 'server']) ?? 'dev',
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
      quick,
    },
  };
}

const isWorkload = (text: string): text is 'w1' | 'w3' => text === 'w1' || text === 'w3';

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rate: text,
        seconds: text,
        rounds: text,
        engine: text,
        deliveries: flag,
        arrivals: text,
        held: text,
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
