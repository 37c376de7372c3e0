/** Writes `openapi.json` from the routes: `npm run openapi`. Nothing is connected to: the routes are only described. */
import { writeFile } from 'node:fs/promises';
import { describeApp } from './app.js';

await writeFile('openapi.json', `${JSON.stringify(describeApp(), null, 2)}\n`);
