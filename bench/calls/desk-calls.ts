import { z } from 'zod';
import type { Http } from '../http.js';
import type { LoadSetup } from '../load-job.js';
import type { Recorder } from '../recorder.js';
import { bodyOf, subjectOf } from '../texts.js';
import type { Task } from './operation.js';

const Created = z.object({ id: z.string() });

interface Cast {
  agent: LoadSetup['agents'][number];
  customer: LoadSetup['customers'][number];
}

/** Who works on the ticket of this number, and whose it is. */
export function castOf({ agents, customers }: Pick<LoadSetup, 'agents' | 'customers'>, index: number): Cast {
  const agent = agents[index % agents.length];
  const customer = customers[index % customers.length];
  if (agent === undefined || customer === undefined) throw new Error('the desk has nobody in it');
  return { agent, customer };
}

/** One recorded POST; answers the body, or nothing when it was not done. */
export async function post(
  { http, recorder }: { http: Http; recorder: Recorder },
  { name, path, key, body, since = performance.now() }: { name: string; path: string; key: string; body: unknown; since?: number },
): Promise<unknown> {
  const answer = await http.post(path, key, body);
  recorder.add(name, performance.now() - since, answer.outcome, answer.problem);
  return answer.outcome === 'ok' || answer.outcome === 'pending' ? answer.body : undefined;
}

/** An agent opens a ticket for a customer who is known by address. Its latency counts from the intended time. */
export async function create(
  tools: { http: Http; recorder: Recorder },
  { product, index, intendedAt: since }: Task,
  { agent, customer }: Cast,
): Promise<string | undefined> {
  const body = {
    product,
    subject: subjectOf(index),
    description: bodyOf(index),
    channel: 'web',
    requester: { email: customer.email },
  };
  const created = Created.safeParse(await post(tools, { name: 'create', path: '/v1/tickets', key: agent.key, body, since }));
  return created.success ? created.data.id : undefined;
}
