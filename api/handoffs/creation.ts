/** A handoff that somebody makes by hand: checked like a step of a template, so that its rules can be carried out. Source: journeys.md, section 8. */
import { Refusal } from '../errors.js';
import type { FieldError } from '../errors.js';
import type { CreateHandoff } from './schema.js';
import type { JourneyFacts } from '../../db/queries/journeys.js';
import { compile } from '../../domain/journey/compile.js';
import { createGuards } from '../../domain/journey/guard.js';
import { own, plainJson, pointer } from '../../domain/journey/json.js';
import type { Json } from '../../domain/journey/json.js';
import { templateShape } from '../../domain/journey/schema.js';
import { packages } from '../../domain/journey/template.js';
import { validate } from '../../domain/journey/validate.js';

const guards = createGuards();
const here = '/steps/handoff';

/** Who decides where nothing is said. */
const usualVote = { approvers: { roles: ['lead', 'admin'] }, quorum: 'any' };
/** A deadline is nobody's duty here: a person makes the handoff, and sees it. */
const waived = new Set(['J053']);

/**
 * Its rules in the compiled form.
 *
 * @param journey undefined: there is none of that id, or none was named
 * @throws Refusal `handoff_invalid` naming every place at fault
 */
export function rulesOf(
  { journeyId, from, to, mode = 'automatic', requiredData = [], data = {}, ...body }: CreateHandoff,
  journey: JourneyFacts | undefined,
): Json {
  const { stepId: _, ...further } = body;
  const vote = mode === 'approve' && further.approval === undefined ? { approval: usualVote } : {};
  const step = { kind: 'handoff', from, to, mode, ...further, ...vote };
  const known = new Set<string>(packages);
  const errors: FieldError[] = [
    ...(journey === undefined ? [error('/journeyId', journeyId === '' ? 'must name a journey' : 'names no journey')] : []),
    ...(known.has(from) ? [] : [error('/from', `must be one of ${packages.join(', ')}`)]),
    ...(known.has(to) ? [] : [error('/to', `must be one of ${packages.join(', ')}`)]),
    ...(from === to && known.has(from) ? [error('/to', 'must not be the package it comes from')] : []),
    ...requiredData.flatMap((name) =>
      isThere(own(data, name)) || isThere(own(journey?.context ?? {}, name))
        ? []
        : [error(pointer('data', name), 'is required, and the journey has none')],
    ),
  ];
  const template = templateAround(step);
  const found = validate(template, { shape: templateShape, guards }).errors.filter(
    ({ path, code }) => path.startsWith(here) && !waived.has(code),
  );
  const places = new Set(errors.map((one) => one.pointer));
  errors.push(...found.map(({ path, message }) => error(path.slice(here.length), message)).filter((one) => !places.has(one.pointer)));
  if (errors.length > 0) throw new Refusal('handoff_invalid', { errors });
  return compiledRules(template);
}

const isThere = (value: unknown): boolean => value !== undefined && value !== null;
const error = (place: string, message: string): FieldError => ({ pointer: place, code: 'handoff_invalid', message });

const templateAround = (step: unknown): Json =>
  plainJson({
    key: 'direct',
    name: 'Direct',
    category: 'custom',
    subject: { type: 'custom', id: 'input.id' },
    input: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
    start: 'handoff',
    steps: {
      handoff: { ...Object(step), transitions: [{ to: 'done', default: true }] },
      done: { kind: 'end', outcome: 'done', result: 'won' },
    },
  }).value;

/** Without what the command says by itself. */
function compiledRules(template: Json): Json {
  const parsed = templateShape.parse(template);
  if (!parsed.ok) throw new Error('a template that was judged can be read');
  const { kind: _, transitions: __, ...rules } = compile(parsed.template).steps['handoff'] ?? { kind: 'end' };
  return plainJson(rules).value;
}
