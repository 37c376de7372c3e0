/**
 * The mail server as a process of its own. Its settings come as JSON in USHER_MAIL, because they hold a key that a command line would show.
 */
import { z } from 'zod';
import { inherited } from './environment.js';
import { startMail } from './mail.js';

const Settings = z.object({
  smtpPort: z.int(),
  httpPort: z.int(),
  dir: z.string(),
  intake: z.object({ apiUrl: z.url(), gatewayKey: z.string() }),
});

const settings = Settings.parse(JSON.parse(inherited['USHER_MAIL'] ?? 'null'));
const mail = await startMail({ ...settings, log: (line) => console.log(line) });
console.log(`ready: ${mail.smtpUrl}, ${mail.url}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void mail.stop());
