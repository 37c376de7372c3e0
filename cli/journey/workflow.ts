/** Scripts played on the real workflows of journeys and handoffs, by a process of its own. */
import { fileURLToPath } from 'node:url';
import type { PlayAnswer, PlayRequest } from '../../domain/journey/simulate/recorded.js';
import { askRunner } from '../runner.js';

const workflowRunner = fileURLToPath(new URL('../../local/journey-workflow.ts', import.meta.url));

/** @throws Error when it cannot be started, ends badly or answers something else */
export async function playOnWorkflows(request: PlayRequest): Promise<PlayAnswer> {
  const answer = await askRunner(workflowRunner, request);
  if (!isAnswer(answer, request)) throw new Error('the runner of scripts did not answer with one run for each');
  return answer;
}

/** As for service levels: the runner is ours. */
const isAnswer = (answer: unknown, { runs }: PlayRequest): answer is PlayAnswer =>
  typeof answer === 'object' &&
  answer !== null &&
  'schema' in answer &&
  answer.schema === 1 &&
  'runs' in answer &&
  Array.isArray(answer.runs) &&
  answer.runs.length === runs.length;
