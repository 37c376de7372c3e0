/** The stand-in for Twilio as a process of its own. Its settings come as JSON in USHER_TWILIO, because they hold a token that a command line would show. */
import { z } from 'zod';
import { inherited } from './environment.js';
import { startTwilio } from './twilio.js';

const Settings = z.object({
  port: z.int(),
  dir: z.string(),
  account: z.object({ accountSid: z.string(), authToken: z.string(), from: z.string() }),
});

const settings = Settings.parse(JSON.parse(inherited['USHER_TWILIO'] ?? 'null'));
const twilio = await startTwilio({ ...settings, log: (line) => console.log(line) });
console.log(`ready: ${twilio.url}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void twilio.stop());
