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

/**
 * Replays every run on a task queue, ended or not.
 *
 * @returns how many there are, and which of them decided otherwise, with why
 */
export async function replayAll(
  { workflow }: Client,
  queue: string,
): Promise<{ readonly replayed: number; readonly otherwise: readonly string[] }> {
  const histories = async function* () {
    for await (const { workflowId, runId } of workflow.list({ query: `TaskQueue = "${queue}"` })) {
      yield { workflowId, history: await workflow.getHandle(workflowId, runId).fetchHistory() };
    }
  };
  const otherwise: string[] = [];
  let replayed = 0;
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle: { codePath: inject('bundle') } }, histories())) {
    replayed += 1;
    if (error !== undefined) otherwise.push(`${workflowId}: ${error.message}`);
  }
  return { replayed, otherwise };
}

/** Processes name themselves and their queues after their machine; which one it was is nobody's business later, and replay does not ask. */
const withoutMachines = (json: string): string => json.replaceAll(new RegExp(`"[^"]*@${hostname()}[^"]*"`, 'g'), '"test"');
