/**
 * Lets the Temporal SDK download a server into the cache, then ends. A process of its own, because a download that hangs can be given up
 * only by ending the process: `sdk-download.ts <dev|time-skipping> <folder> <version>`.
 */
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [kind, downloadDir, version] = process.argv.slice(2);
if (downloadDir === undefined || version === undefined) throw new Error('usage: sdk-download.ts <dev|time-skipping> <folder> <version>');

const executable = { type: 'cached-download', downloadDir, version, ttl: '3650d' } as const; // a shorter one would delete the file again
const environment = await (kind === 'dev'
  ? TestWorkflowEnvironment.createLocal({ server: { executable } })
  : TestWorkflowEnvironment.createTimeSkipping({ server: { executable } }));
await environment.teardown();
