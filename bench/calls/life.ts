/** A ticket's life in nine calls. Source: performance.md, 2.3. */
import type { Http } from '../http.js';
import type { LoadSetup } from '../load-job.js';
import { bodyOf } from '../texts.js';
import { castOf, create, post } from './desk-calls.js';
import type { Operation } from './operation.js';

/** Names of the calls in their order; both answers of the customer move the ticket to in_progress, the second one from waiting. */
export const lifeCalls = ['create', 'assign', 'reply', 'reply again', 'customer', 'await', 'customer again', 'resolve', 'close'] as const;

/** Each call begins when the one before has been answered; the first that is not done ends the life. */
export const lifeOperation =
  (http: Http, setup: LoadSetup): Operation =>
  async (task, recorder) => {
    const tools = { http, recorder };
    const cast = castOf(setup, task.index);
    const { agent, customer } = cast;
    const id = await create(tools, task, cast);
    if (id === undefined) return undefined;
    const message = { body: bodyOf(task.index + 1), format: 'text' };
    const rest: [name: (typeof lifeCalls)[number], verb: string, key: string, body: unknown][] = [
      ['assign', 'assign', agent.key, { agentId: agent.id }],
      ['reply', 'messages', agent.key, message],
      ['reply again', 'messages', agent.key, message],
      ['customer', 'messages', customer.key, message],
      ['await', 'await-customer', agent.key, {}],
      ['customer again', 'messages', customer.key, message],
      ['resolve', 'resolve', agent.key, {}],
      ['close', 'close', customer.key, {}],
    ];
    for (const [name, verb, key, body] of rest) {
      const done = await post(tools, { name, path: `/v1/tickets/${id}/${verb}`, key, body });
      if (done === undefined) return undefined;
    }
    return id;
  };
