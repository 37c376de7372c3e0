import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import { inherited } from './environment.js';
import { runCommand } from './run-command.js';
import { runSource } from './typescript-process.js';

const host = 'temporal.download'; // where the SDK fetches from
const limitMs = 120_000;

/**
 * The SDK's own download; it leaves a file named after the version in the folder.
 *
 * @throws Error within seconds on a machine without network
 */
export async function downloadWithSdk(kind: 'dev' | 'time-skipping', folder: string, version: string): Promise<void> {
  await assertReachable();
  await runCommand(process.execPath, [...runSource('local/sdk-download.ts'), kind, folder, version], { limitMs });
}

/** Looks before the download starts: a connection that goes nowhere would hang for the whole limit. Behind a proxy only the proxy knows. */
async function assertReachable(): Promise<void> {
  if (['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'].some((name) => (inherited[name] ?? '') !== '')) return;
  const signal = AbortSignal.timeout(5_000);
  const tooLate = once(signal, 'abort').then(() => Promise.reject(new Error(`${host} did not answer in 5 s`)));
  await Promise.race([reach(signal), tooLate]);
}

async function reach(signal: AbortSignal): Promise<void> {
  const { address, family } = await lookup(host);
  const socket = connect({ host: address, port: 443, family });
  try {
    await once(socket, 'connect', { signal });
  } finally {
    socket.destroy();
  }
}
