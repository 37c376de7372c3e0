/** Histories of runs, kept in test/histories and replayed on every change. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { inject } from 'vitest';

type History = Parameters<typeof historyToJSON>[0];

const folder = join(import.meta.dirname, '..', 'histories');

/**
 * Replays a run at once, and keeps its history where there is none: a file that exists is never written again, because runs like it may be open
 * somewhere. Of one that continued as new the last run is kept, and the first one beside it.
 *
 * @param name folder, release and what happened: `journey/0.3-paused`
 */
export async function keepHistory({ workflow }: Client, workflowId: string, name: string): Promise<void> {
  const last = await workflow.getHandle(workflowId).fetchHistory();
  await keep(last, name);
  const { continuedExecutionRunId: before, firstExecutionRunId: first } = last.events?.[0]?.workflowExecutionStartedEventAttributes ?? {};
  if (before == null || before === '' || first == null) return;
  await keep(await workflow.getHandle(workflowId, first).fetchHistory(), `${name}-first-run`);
}

async function keep(history: History, name: string): Promise<void> {
  await Worker.runReplayHistory({ workflowBundle: { codePath: inject('bundle') } }, history, name);
  const file = join(folder, `${name}.json`);
  if (existsSync(file)) return;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${withoutMachines(historyToJSON(history))}\n`);
}

/** Processes name themselves and their queues after their machine; which one it was is nobody's business later, and replay does not ask. */
const withoutMachines = (json: string): string => json.replaceAll(new RegExp(`"[^"]*@${hostname()}[^"]*"`, 'g'), '"test"');
