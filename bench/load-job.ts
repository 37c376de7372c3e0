/** What the process that makes the load is told, and what it answers. */
import { z } from 'zod';
import { HistogramData } from './histogram.js';
import { RecordedData } from './recorder.js';

const Person = z.object({ id: z.string(), key: z.string() });

/** Where the system is and who acts in it. */
export const LoadSetup = z.object({
  apiUrl: z.string(),
  temporalAddress: z.string(),
  namespace: z.string(),
  tenant: z.string(),
  agents: z.array(Person).min(1),
  customers: z.array(Person.extend({ email: z.string() })).min(1),
});
export type LoadSetup = z.output<typeof LoadSetup>;

const Loop = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('open'), rate: z.number(), seconds: z.number(), arrivals: z.enum(['poisson', 'uniform']), seed: z.number() }),
  z.object({ kind: z.literal('closed'), concurrency: z.number(), seconds: z.number(), atMost: z.number() }),
]);

/** `create`: one ticket by the API; `life`: its nine calls; `start`: the workflow alone, past the API and without a command. */
const LoadJob = z.object({ work: z.enum(['create', 'life', 'start']), product: z.string(), loop: Loop });
export type LoadJob = z.output<typeof LoadJob>;

export const LoadMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('setup'), setup: LoadSetup }),
  z.object({ kind: z.literal('job'), job: LoadJob }),
]);
export type LoadMessage = z.output<typeof LoadMessage>;

const LoadReport = z.object({
  sent: z.number(),
  ok: z.number(),
  seconds: z.number(),
  late: HistogramData,
  recorded: RecordedData,
  /** Numbers of the tickets for which the whole operation was answered well. */
  tickets: z.array(z.string()),
  /** Of the process itself. */
  cpuSeconds: z.number(),
});
export type LoadReport = z.output<typeof LoadReport>;

export const LoadReply = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('report'), report: LoadReport }),
  z.object({ kind: z.literal('failed'), reason: z.string() }),
]);
export type LoadReply = z.output<typeof LoadReply>;
