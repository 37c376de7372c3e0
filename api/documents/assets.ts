import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { docsScript, styleSheet } from './page.js';

const own: Readonly<Record<string, { type: string; text: string }>> = {
  'usher.css': { type: 'text/css; charset=utf-8', text: styleSheet },
  'usher-docs.js': { type: 'text/javascript; charset=utf-8', text: docsScript },
};

const foreign: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'oauth2-redirect.js': 'text/javascript; charset=utf-8',
};

export interface Asset {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A file that our pages use; undefined for every other name. */
export async function readAsset(name: string): Promise<Asset | undefined> {
  if (Object.hasOwn(own, name)) {
    const asset = own[name];
    return asset && { type: asset.type, bytes: new TextEncoder().encode(asset.text) };
  }
  const type = Object.hasOwn(foreign, name) ? foreign[name] : undefined;
  if (type === undefined) return undefined;
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  return { type, bytes: Uint8Array.from(await readFile(join(folder, name))) };
}
