/** Writes `.env.example` from the settings in `config.ts`. Run as `npm run env:example`. */
import { writeFile } from 'node:fs/promises';
import { ConfigSchema } from '../config.js';

const head = `# Every setting of Usher with its default. Written from config.ts by \`npm run env:example\`; a test compares the two.
# An empty value counts as not set.
`;

/** The text of `.env.example`: each setting with its description above it, and its default or nothing. */
export function envExample(): string {
  const settings = Object.entries(ConfigSchema.shape).map(([name, setting]) => {
    const standard = setting.safeParse(undefined).data ?? '';
    return `# ${setting.description ?? ''}\n${name}=${String(standard)}\n`;
  });
  return [head, ...settings].join('\n');
}

if (process.argv[1] === import.meta.filename) await writeFile(new URL('../.env.example', import.meta.url), envExample());
