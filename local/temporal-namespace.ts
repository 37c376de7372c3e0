import type { ConnectionOptions } from '@temporalio/client';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { setTimeout as sleep } from 'node:timers/promises';

const retention = msToTs('720h'); // closed workflows stay readable for 30 days

export interface Answering {
  address: string;
  namespace: string;
  limitMs: number;
  /** For a server that is not ours. */
  access?: Pick<ConnectionOptions, 'apiKey' | 'tls'>;
  /** Says why waiting is pointless, for example because the server has ended. */
  whyHopeless?: () => string | undefined;
}

/**
 * Waits until the server answers for the namespace, and changes nothing.
 *
 * @throws Error with the last reason after the limit
 */
export async function untilNamespaceAnswers(target: Answering): Promise<void> {
  await untilDone(target, (connection) => connection.workflowService.describeNamespace({ namespace: target.namespace }));
}

/**
 * Creates the namespace where it is missing and keeps closed workflows for 720 h; a dev server gives its namespaces 24 h.
 *
 * @throws Error with the last reason after the limit
 */
export async function prepareNamespace(target: Answering): Promise<void> {
  const { namespace } = target;
  await untilDone(target, async ({ workflowService }) => {
    const { namespaces } = await workflowService.listNamespaces({ pageSize: 1000 });
    const known = namespaces.some((found) => found.namespaceInfo?.name === namespace);
    if (known) await workflowService.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl: retention } });
    else await workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: retention });
  });
  // A new namespace is known to the part that describes it before it is known to the part that runs workflows.
  await untilDone(target, ({ workflowService }) => workflowService.countWorkflowExecutions({ namespace }));
}

async function untilDone(target: Answering, attempt: (connection: Connection) => Promise<unknown>): Promise<void> {
  const until = Date.now() + target.limitMs;
  for (;;) {
    try {
      await withConnection(target, attempt);
      return;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const hopeless = target.whyHopeless?.();
      if (hopeless !== undefined) throw new Error(hopeless, { cause: error });
      if (Date.now() > until) throw new Error(`no answer in ${Math.round(target.limitMs / 1000)} s: ${reason}`, { cause: error });
      await sleep(100);
    }
  }
}

async function withConnection({ address, access }: Answering, work: (connection: Connection) => Promise<unknown>): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 2_000, ...access });
  try {
    await connection.withDeadline(Date.now() + 5_000, () => work(connection));
  } finally {
    await connection.close();
  }
}
