/** Templates by what people call them: a file, or the key of one that comes with the product. */
import { access } from 'node:fs/promises';
import { builtInTemplates } from './surroundings.js';
import { readTemplateFile, unreadable } from './template-file.js';
import type { TemplateFile } from './template-file.js';

/** @throws Unreadable */
export async function findTemplate(name: string): Promise<TemplateFile> {
  if (isKey(name) && !(await exists(name))) {
    const found = await builtInTemplate(name);
    if (found !== null) return found;
    const keys = (await builtInTemplates()).map(({ key }) => key).join(', ');
    throw unreadable(name, `is neither a file nor a template that comes with the product (${keys})`);
  }
  return readTemplateFile(name);
}

/** The template of this key that comes with the product. */
export async function builtInTemplate(key: string): Promise<TemplateFile | null> {
  const value = (await builtInTemplates()).find((one) => one.key === key);
  return value === undefined ? null : { name: key, value, where: () => null, repeatedKeys: [] };
}

export const isKey = (name: string): boolean => /^[A-Za-z][A-Za-z0-9_-]*$/.test(name);

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
