/** Journeys that beat: each waits, goes on, and waits again, until it is told to stop. */
import { z } from 'zod';
import type { Bench } from '../bench.js';
import type { Http } from '../http.js';
import { createHttp } from '../http.js';
import { eachOf } from '../samples.js';
import type { Stack } from '../../local/stack.js';

export const beatSeconds = 10;
const key = 'w6_beat';
const callers = 4;
const attempts = 10;

/** One step every ten seconds, with nothing in it but the wait. */
const template = {
  schemaVersion: 1,
  key,
  name: 'Beat',
  category: 'custom',
  subject: { type: 'custom', id: 'input.id' },
  input: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'], additionalProperties: false },
  stages: [{ id: 'beating', name: 'Beating', order: 1 }],
  limits: { maxDuration: 'P1D', maxVisitsPerStep: 10_000 },
  start: 'beat',
  steps: {
    beat: {
      kind: 'wait',
      name: 'Beat',
      stage: 'beating',
      for: `PT${beatSeconds}S`,
      completeOn: [{ type: 'w6:stop', outcome: 'stopped' }],
      transitions: [
        { to: 'stopped', outcome: 'stopped' },
        { to: 'beat', outcome: 'elapsed' },
      ],
    },
    stopped: { kind: 'end', name: 'Stopped', outcome: 'stopped', result: 'won' },
  },
};

const Started = z.object({ id: z.string() });

export interface Fleet {
  journeys: string[];
  /** Starts per second. */
  pace: number;
}

/** Publishes the template and starts so many journeys; a failed start is repeated. */
export async function startFleet(bench: Bench, stack: Stack, count: number): Promise<Fleet> {
  const http = createHttp(bench.target.info.apiUrl);
  try {
    await publish(http, stack);
    const journeys: string[] = [];
    const began = performance.now();
    await eachOf(
      Array.from({ length: count }, (_, index) => index),
      callers,
      async (index) => {
        bench.signal.throwIfAborted();
        journeys.push(await start(http, stack.info.credentials.admin, `w6-${index}`));
      },
    );
    return { journeys, pace: (count * 1_000) / (performance.now() - began) };
  } finally {
    http.close();
  }
}

/** Whoever edits a template does not publish it. */
async function publish(http: Http, { info: { credentials } }: Stack): Promise<void> {
  for (const [path, as, body] of [
    ['/v1/journey-templates', credentials.lead, template],
    [`/v1/journey-templates/${key}/publish`, credentials.admin, {}],
  ] as const) {
    const { outcome, problem, body: answer } = await http.post(path, as, body);
    if (outcome !== 'ok') throw new Error(`the template could not be published: ${problem ?? outcome} ${JSON.stringify(answer)}`);
  }
}

async function start(http: Http, as: string, id: string): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const { outcome, problem, body } = await http.post('/v1/journeys', as, { template: key, input: { id } });
    if (outcome === 'ok' || outcome === 'pending') return Started.parse(body).id;
    if (attempt === attempts) throw new Error(`a journey could not be started: ${problem ?? outcome} ${JSON.stringify(body)}`);
  }
}
