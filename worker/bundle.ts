/** The workflow bundle: prebuilt beside the compiled code, or made from source when there is none. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import type { Logger as TemporalLogger, WorkflowBundleOption } from '@temporalio/worker';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const prebuilt = join(root, 'workflow-bundle.js');

/** What the worker runs: the prebuilt bundle of a release, or one made now. */
export async function workflowBundle(logger?: TemporalLogger): Promise<WorkflowBundleOption> {
  return existsSync(prebuilt) ? { codePath: prebuilt } : makeBundle(logger);
}

/** Bundles `workflows/` with what it imports. */
export function makeBundle(logger?: TemporalLogger): Promise<{ code: string }> {
  const source = join(root, 'workflows', 'index.ts');
  const workflowsPath = existsSync(source) ? source : join(root, 'workflows', 'index.js');
  return bundleWorkflowCode({ workflowsPath, ...(logger === undefined ? {} : { logger }) });
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  const target = process.argv[2] ?? join('dist', 'workflow-bundle.js');
  const { code } = await makeBundle();
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, code);
}
