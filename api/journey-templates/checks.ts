/** What a template is judged by in a tenant, and what a bad one is answered with. */
import { findTemplateWorld } from '../../db/queries/journey-templates.js';
import type { VersionRecord } from '../../db/queries/journey-templates.js';
import type { TenantTx } from '../../db/client.js';
import type { TenantId } from '../../domain/ids.js';
import { actionRegistry, builtInActions } from '../../domain/journey/action.js';
import type { Diagnostic } from '../../domain/journey/diagnostic.js';
import { createGuards } from '../../domain/journey/guard.js';
import type { JsonObject } from '../../domain/journey/json.js';
import { pointer } from '../../domain/journey/json.js';
import { templateShape } from '../../domain/journey/schema.js';
import { categories } from '../../domain/journey/template.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import { validate } from '../../domain/journey/validate.js';
import type { Surroundings, Validation } from '../../domain/journey/validate.js';
import { isZone } from '../../domain/journey/zone.js';
import { alwaysOpen } from '../../domain/sla/policy.js';
import { Refusal } from '../errors.js';
import type { FieldError } from '../errors.js';
import type { TemplateValidation } from './schema.js';

/** Beside the keys of teams. */
const fixedRoles = ['agent', 'lead', 'admin', 'team_lead'];
const actions = actionRegistry(builtInActions);
const guards = createGuards();

/** Everything that is wrong with a template in this tenant; with the version before, also that it says nothing new or asks for more. */
export async function judge(tx: TenantTx, tenant: TenantId, document: unknown, previous?: VersionRecord): Promise<Validation> {
  const { calendars, teams } = await findTemplateWorld(tx, tenant);
  const surroundings: Surroundings = {
    shape: templateShape,
    guards,
    actions,
    isZone,
    calendars: new Set([...calendars, alwaysOpen]),
    roles: new Set([...fixedRoles, ...teams]),
    ...(previous === undefined ? {} : { previous: { template: previous.document, version: previous.version } }),
  };
  return validate(document, surroundings);
}

/**
 * The template, if it can be published.
 *
 * @throws Refusal `nothing_changed`, `template_invalid`, `kind_not_available`
 */
export function assertPublishable({ template, errors, warnings }: Validation, previous: VersionRecord | undefined): JourneyTemplate {
  const others = errors.filter(({ code }) => code !== 'J080');
  if (others.length < errors.length && others.length === 0) {
    throw new Refusal('nothing_changed', { members: { version: previous?.version ?? null } });
  }
  if (template === null)
    throw new Refusal('template_invalid', { errors: others.map(fieldError), members: { diagnostics: others, warnings } });
  const missing = Object.entries(template.steps).flatMap(([id, step]) =>
    step.kind === 'experiment' ? [pointer('steps', id, 'kind')] : [],
  );
  if (missing.length > 0) throw notAvailable(missing, 'steps of kind experiment cannot be run yet');
  return template;
}

export const notAvailable = (pointers: readonly string[], message: string): Refusal =>
  new Refusal('kind_not_available', { errors: pointers.map((place) => ({ pointer: place, code: 'kind_not_available', message })) });

const fieldError = ({ path, code, message }: Diagnostic): FieldError => ({ pointer: path, code, message });

export const validationView = ({ isValid, errors, warnings }: Validation): TemplateValidation => ({
  isValid,
  errors: [...errors],
  warnings: [...warnings],
});

/** What of a draft is told before it is judged, and may be missing from it. */
export interface Heading {
  readonly key: string;
  readonly name: string;
  readonly category: JourneyTemplate['category'];
}

/**
 * Key, name and category of a template that may be wrong otherwise.
 *
 * @throws Refusal `invalid_request` when it has no key that could be its address
 */
export function headingOf(document: JsonObject): Heading {
  const isList = Array.isArray(document['steps']);
  const field = document['key'] === undefined && isList ? 'id' : 'key';
  const key = document[field];
  if (typeof key !== 'string' || !/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(key)) {
    const message = 'must begin with a letter and hold up to 64 letters, digits, _ and -';
    const error = key === undefined ? { code: 'required', message: 'is required' } : { code: 'invalid', message };
    throw new Refusal('invalid_request', { errors: [{ pointer: pointer(field), ...error }] });
  }
  const { name, category } = document;
  return {
    key,
    name: typeof name === 'string' && name.length > 0 ? name.slice(0, 200) : key,
    category: categories.find((known) => known === category) ?? 'custom',
  };
}
