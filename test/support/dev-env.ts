import { TestWorkflowEnvironment } from '@temporalio/testing';
import { inject } from 'vitest';

/** Clients for the dev server that the run shares. */
export const devEnvironment = (): Promise<TestWorkflowEnvironment> => TestWorkflowEnvironment.createFromExistingServer(inject('devServer'));
