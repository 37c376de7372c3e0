import { TestWorkflowEnvironment } from '@temporalio/testing';
import { inject } from 'vitest';

/** Starts of a server before it counts as broken: the SDK gives each five seconds, and a busy machine may need more. */
const starts = 6;

/**
 * A time-skipping server of the test file’s own, and its clients.
 *
 * It hands an update out as if it had come before a signal that arrived between scheduling and start of their task, and writes the other order
 * down. So a run to which both were sent at once cannot be replayed, and hangs once its worker has to: wait for the one before sending the other.
 * The real server writes down what it handed out.
 */
export async function timeEnvironment(): Promise<TestWorkflowEnvironment> {
  const server = { executable: { type: 'existing-path', path: inject('timeSkipping') } } as const;
  for (let left = starts - 1; ; left -= 1) {
    try {
      return await TestWorkflowEnvironment.createTimeSkipping({ server });
    } catch (error) {
      if (left === 0 || !(error instanceof Error) || !error.message.includes('did not start within')) throw error;
    }
  }
}
