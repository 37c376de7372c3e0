import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { asProductKey, asTenantId, ticketIdFrom } from '../../domain/ids.js';
import { ticketStartOptions, ticketWorkflowType } from '../../workflows/ticket/start.js';
import type { LoadSetup } from '../load-job.js';
import type { Operation } from './operation.js';

/** The ticket's workflow as the API starts it, but alone: no API, no command, nothing in PostgreSQL. The other side of G1. */
export const startOperation =
  (client: Client, { tenant }: LoadSetup): Operation =>
  async ({ product, intendedAt: since }, recorder) => {
    const ticketId = ticketIdFrom(randomBytes(5));
    const options = ticketStartOptions({
      tenant: asTenantId(tenant),
      ticketId,
      product: asProductKey(product),
      priority: 'medium',
      status: 'new',
      queueSuffix: '',
      continueAfter: 1_000,
    });
    try {
      await client.workflow.start(ticketWorkflowType, options);
      recorder.add('start', performance.now() - since, 'ok');
      return ticketId;
    } catch (error) {
      recorder.add('start', performance.now() - since, 'error', error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
