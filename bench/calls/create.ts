import type { Http } from '../http.js';
import type { LoadSetup } from '../load-job.js';
import { castOf, create } from './desk-calls.js';
import type { Operation } from './operation.js';

/** One ticket, opened and left open. */
export const createOperation =
  (http: Http, setup: LoadSetup): Operation =>
  (task, recorder) =>
    create({ http, recorder }, task, castOf(setup, task.index));
