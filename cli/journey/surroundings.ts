/** What templates are judged by and simulated in, from the command line. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { actionRegistry, builtInActions } from '../../domain/journey/action.js';
import { createGuards } from '../../domain/journey/guard.js';
import { plainJson } from '../../domain/journey/json.js';
import { ActionsBody, templateShape } from '../../domain/journey/schema.js';
import type { Actions } from '../../domain/journey/scope.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import type { Surroundings } from '../../domain/journey/validate.js';
import { isZone } from '../../domain/journey/zone.js';
import { faultsOf, readSource } from '../source.js';
import { isTemplate, readText, Unreadable, unreadable } from './template-file.js';

export const guards = createGuards();

/** SHA-256. */
export const digest = (text: string): Uint8Array => createHash('sha256').update(text).digest();

const registered: Actions = actionRegistry(builtInActions);

/**
 * The actions that come with the product, and those of a file beside or instead of them.
 *
 * @throws Unreadable
 */
export async function readActions(file: string | undefined): Promise<Actions> {
  if (file === undefined) return registered;
  const answer = readSource(await readText(file));
  if (!answer.ok) throw new Unreadable(answer.faults.map((fault) => ({ file, ...fault })));
  const parsed = ActionsBody.safeParse(plainJson(answer.source.value).value);
  if (!parsed.success) throw new Unreadable(faultsOf(parsed.error, answer.source).map((fault) => ({ file, ...fault })));
  return new Map([...registered, ...Object.entries(parsed.data)]);
}

export const surroundingsOf = (actions: Actions): Surroundings => ({ shape: templateShape, guards, actions, isZone });

/** Where the templates that come with the product are. */
const builtIn = fileURLToPath(new URL('../../journeys/index.ts', import.meta.url));

/** The templates that come with the product, as their authors wrote them. */
export async function builtInTemplates(): Promise<readonly JourneyTemplate[]> {
  const loaded: unknown = await import(builtIn);
  const list: unknown = typeof loaded === 'object' && loaded !== null ? Reflect.get(loaded, 'builtInJourneys') : undefined;
  if (!Array.isArray(list)) throw unreadable(builtIn, 'has no templates');
  return list.filter(isOurs);
}

/** They are made by `defineJourney`, and tests hold them valid. */
const isOurs = (value: unknown): value is JourneyTemplate => isTemplate(value);
