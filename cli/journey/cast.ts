/** The templates of a run, looked at as if they were published. */
import type { Diagnostic } from '../../domain/journey/diagnostic.js';
import { compile } from '../../domain/journey/compile.js';
import type { EntryTemplate } from '../../domain/journey/entry/enter.js';
import { readTemplate } from '../../domain/journey/reading.js';
import { canonicalForm } from '../../domain/journey/author.js';
import type { Cast } from '../../domain/journey/simulate/ports.js';
import type { Actions } from '../../domain/journey/scope.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { validate } from '../../domain/journey/validate.js';
import { builtInTemplates, digest, readActions, surroundingsOf } from './surroundings.js';
import type { ScriptFile } from './script-file.js';
import { builtInTemplate, findTemplate, isKey } from './templates.js';
import { Unreadable, unreadable } from './template-file.js';
import type { TemplateFile } from './template-file.js';

/** A template cannot be run: what is wrong with it. */
export class Invalid extends Error {
  override readonly name = 'Invalid';
  readonly file: TemplateFile;
  readonly errors: readonly Diagnostic[];

  constructor(file: TemplateFile, errors: readonly Diagnostic[]) {
    super(`${file.name} is not valid`);
    this.file = file;
    this.errors = errors;
  }
}

export interface Casting {
  readonly cast: Cast;
  readonly actions: Actions;
  readonly template: JourneyTemplate;
  /** Steps of every template that may run. */
  readonly stepsOf: readonly { readonly steps: object }[];
}

/**
 * The templates that a script names, or the one it is tried on instead.
 *
 * @throws Unreadable, and Invalid for errors that the script does not allow
 */
export async function castOf(file: ScriptFile, instead: string | undefined): Promise<Casting> {
  const { script, beside } = file;
  const actions = await readActions(script.actions === undefined ? undefined : beside(script.actions));
  const load = (name: string): Promise<TemplateFile> => (isKey(name) ? known(name, beside(name)) : findTemplate(beside(name)));
  if (instead === undefined && script.template === undefined) {
    throw new Unreadable([
      { file: file.name, ...file.where(['template']), field: '/template', rule: 'is required, unless a template is given' },
    ]);
  }
  const main = instead === undefined ? await load(script.template ?? '') : await findTemplate(instead);
  const others = await Promise.all(script.templates.map(load));
  const all = [main, ...others].map((one) => checked(one, actions, script.allow));
  const entries = all.map(entryOf);
  const [first] = all;
  if (first === undefined) throw unreadable(file.name, 'names no template');
  const shipped = await builtInTemplates();
  return {
    actions,
    template: first,
    stepsOf: [...all, ...shipped],
    cast: { templates: entries, child: (key) => entries.find((one) => one.key === key) ?? shippedEntry(shipped, key) },
  };
}

/** A key of the product's, unless a file beside the script is called so. */
async function known(key: string, path: string): Promise<TemplateFile> {
  return (await builtInTemplate(key)) ?? findTemplate(path);
}

function checked(file: TemplateFile, actions: Actions, allow: readonly string[]): JourneyTemplate {
  const surroundings = surroundingsOf(actions);
  const { errors, template } = validate(file.value, { ...surroundings, repeatedKeys: file.repeatedKeys });
  const standing = errors.filter(({ code }) => !allow.includes(code));
  // In spite of its errors it is read once more: what could not be read of it is not there.
  const read = template ?? readTemplate(file.value, surroundings.shape).template;
  if (standing.length > 0 || read === null) throw new Invalid(file, errors);
  return read;
}

/** As a publication of version 1. */
function entryOf(template: JourneyTemplate): EntryTemplate {
  const hash = Buffer.from(digest(canonicalForm(template))).toString('hex');
  return { key: template.key, version: 1, hash, compiled: compile(template), isOpen: true };
}

/** Those of the product are known to be valid. */
function shippedEntry(shipped: readonly JourneyTemplate[], key: string): EntryTemplate | null {
  const found = shipped.find((one) => one.key === key);
  return found === undefined ? null : entryOf(found);
}
