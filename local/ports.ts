import { createServer } from 'node:net';
import { StartError } from './start-error.js';

const handedOut = new Set<number>();
const lowest = 20_000;
const highest = 32_000; // below 32,768: Temporal stores its ports as smallint, and outgoing connections take theirs from above

/** A port nobody listens on at the moment; never the same one twice from one process. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (handedOut.has(port) || (await whyTaken(port)) !== undefined) continue;
    handedOut.add(port);
    return port;
  }
  throw new Error(`no free port found between ${lowest} and ${highest}`);
}

/**
 * @param name what wants the port, as the user knows it
 * @param setting the flag and variable that choose another port
 * @throws StartError saying all three
 */
export async function assertFree(port: number, name: string, setting: string): Promise<void> {
  const reason = await whyTaken(port);
  if (reason === undefined) return;
  const what = reason === 'EADDRINUSE' ? 'is in use by another program' : `cannot be used (${reason})`;
  throw new StartError(`Port ${port}, wanted for ${name}, ${what}. Stop that program or choose another port with ${setting}.`);
}

/** The error code of listening there; nothing when it works. */
async function whyTaken(port: number): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error) => resolve('code' in error && typeof error.code === 'string' ? error.code : error.message));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
