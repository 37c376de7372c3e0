/** `npm run bench`: measures one workload on a system of its own. */
import { ArgumentError, parseBenchArguments, usage } from './arguments.js';
import type { BenchArguments, Workload } from './arguments.js';
import type { Bench } from './bench.js';
import { openDesk } from './desk.js';
import { outcomeOf } from './load-outcome.js';
import { startLoad } from './load.js';
import type { Outcome } from './outcome.js';
import { table, verdictLines } from './report.js';
import { fileOf, writeResults } from './results.js';
import type { Surroundings } from './surroundings.js';
import { engineOf, surroundingsOf } from './surroundings.js';
import { attach, openOwn } from './target.js';
import { partNames } from './storm/parts.js';
import { w1 } from './workloads/w1.js';
import { w2 } from './workloads/w2.js';
import { w3 } from './workloads/w3.js';
import { w4 } from './workloads/w4.js';
import { w5 } from './workloads/w5.js';
import { w6 } from './workloads/w6.js';
import { StartError } from '../local/start-error.js';

const began = Date.now();
const say = (line: string): void => console.error(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}`);

async function main(args: readonly string[]): Promise<number> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt(interrupted));
  try {
    const wanted = parseBenchArguments(args);
    if (wanted.help) {
      console.log(usage);
      return 0;
    }
    return await measure(wanted, interrupted.signal);
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    if (error instanceof ArgumentError) console.error(`${error.message}\n\n${usage}`);
    else console.error(error instanceof StartError ? error.message : error);
    return 1;
  }
}

/** Once: remove everything in order. Twice: at once; the reaper ends what is left. */
function interrupt(controller: AbortController): void {
  if (controller.signal.aborted) process.exit(130); // eslint-disable-line unicorn/no-process-exit -- nothing may come in between
  console.error('\nstopping (Ctrl-C again ends everything at once)');
  controller.abort();
}

const workloads: Record<Workload, (bench: Bench, surroundings: Surroundings) => Promise<Outcome>> = {
  w1: async (bench, surroundings) => outcomeOf(await w1(bench), surroundings),
  w2,
  w3: async (bench, surroundings) => outcomeOf(await w3(bench), surroundings),
  w4,
  w5,
  w6,
};

async function measure(wanted: BenchArguments, signal: AbortSignal): Promise<number> {
  const { workload, engine, settings, attach: stateDir, plan, out } = wanted;
  await using target = await (stateDir === undefined ? openOwn({ engine, signal, env: settings, log: say }) : attach(stateDir));
  const surroundings = await surroundingsOf(target);
  const desk = await openDesk(target.db);
  const { apiUrl, temporalAddress, namespace } = target.info;
  await using load = await startLoad({ ...desk, apiUrl, temporalAddress, namespace }, signal);
  const bench: Bench = { target, desk, load, plan, engine, signal, say };

  const { findings, rows, notes, verdicts, problems, ok } = await untilAborted(signal, workloads[workload](bench, surroundings));
  const file = out ?? fileOf(workload, surroundings.commit);
  const modes = { attached: stateDir !== undefined, deliveries: plan.deliveries, quick: plan.quick };
  const set = Object.entries(modes).flatMap(([mode, isOn]) => (isOn ? [mode] : []));
  const parts = workload === 'w4' && plan.parts.length < partNames.length ? [plan.parts.join(' ')] : [];
  const notStock = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const name = [`engine ${engineOf(surroundings)}`, ...set, ...parts, ...notStock].join(', ');
  const columns = await writeResults(file, workload, name, { at: new Date().toISOString(), surroundings, plan, findings, verdicts, rows });
  console.log(`\n${[table(columns), ...notes].join('\n')}\n\n${verdictLines(verdicts).join('\n')}\n\nwritten to ${file}`);
  for (const problem of problems) console.log(problem);
  if (plan.quick) console.log('quick: it works, or does not; no figure of it is worth quoting');
  return ok ? 0 : 1;
}

/** Ends the wait at once; what was waited for fails by itself when the system goes away. */
function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_resolve, reject) => {
    const give = (): void => reject(new Error('interrupted'));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
  return Promise.race([work, aborted]);
}

process.exit(await main(process.argv.slice(2))); // eslint-disable-line unicorn/no-process-exit -- an interrupted start may still be waiting
