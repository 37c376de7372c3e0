/** The demo's identity provider as a process of its own. Its settings come as JSON in USHER_IDENTITY. */
import { z } from 'zod';
import { inherited } from '../environment.js';
import { demoPeople } from './people.js';
import { startIdentity } from './server.js';

const Settings = z.object({ port: z.int().min(1), dir: z.string(), redirectUris: z.array(z.url()) });

const settings = Settings.parse(JSON.parse(inherited['USHER_IDENTITY'] ?? 'null'));
const identity = await startIdentity({ ...settings, people: demoPeople, log: (line) => console.log(line) });
console.log(`ready: ${identity.url}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void identity.stop());
