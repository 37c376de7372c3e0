/** Scenarios played by a process of its own, which takes a request on its standard input and answers on its standard output. */
import { fileURLToPath } from 'node:url';
import type { PlayAnswer, PlayRequest } from '../../domain/sla/scenario.js';
import { askRunner } from '../runner.js';

/** Plays on the real ticket workflow. */
export const workflowRunner = fileURLToPath(new URL('../../local/sla-workflow.ts', import.meta.url));

/**
 * Starts the runner, hands it the scenarios and takes its answer; what it says on the way goes to standard error.
 *
 * @throws Error when it cannot be started, ends badly or answers something else
 */
export async function playIn(runner: string, request: PlayRequest): Promise<PlayAnswer> {
  const answer = await askRunner(runner, request);
  if (!isAnswer(answer, request)) throw new Error('the runner of scenarios did not answer with one trace for each');
  return answer;
}

/** The runner is ours and of the same checkout: what can go wrong is that it says nothing, or something else. */
const isAnswer = (answer: unknown, { runs }: PlayRequest): answer is PlayAnswer =>
  typeof answer === 'object' &&
  answer !== null &&
  'schema' in answer &&
  answer.schema === 1 &&
  'traces' in answer &&
  Array.isArray(answer.traces) &&
  answer.traces.length === runs.length;
