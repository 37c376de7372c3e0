/**
 * The packages as a process of their own. EVENTS_URL and EVENTS_KEY, where both are set, say whom to tell what happened at them; EVENTS_DELAY_MS
 * says how long after it did.
 */
import { z } from 'zod';
import { inherited } from '../environment.js';
import { startPackages } from './server.js';

const Text = z
  .string()
  .optional()
  .transform((text) => (text === '' ? undefined : text));
const Settings = z.object({
  PACKAGES_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  EVENTS_URL: Text,
  EVENTS_KEY: Text,
  EVENTS_DELAY_MS: z.coerce.number().int().min(0).max(86_400_000).default(3_000),
});
/** Before each further try to tell somebody. */
const pausesMs = [1_000, 2_000, 4_000, 8_000, 16_000];

const { PACKAGES_PORT: port, EVENTS_URL: url, EVENTS_KEY: key, EVENTS_DELAY_MS: delayMs } = Settings.parse(inherited);
const packages = await startPackages({ port, events: { url, key, delayMs, pausesMs }, log: (line) => console.log(line) });
console.log(`ready: ${packages.url}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void packages.stop());
