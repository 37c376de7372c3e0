/** What automated steps call, and how often: J030 to J035, J037, J038. */
import { retryPolicy, timeLimits } from '../attempts.js';
import { closest } from '../closest.js';
import { found } from '../diagnostic.js';
import type { Diagnostic } from '../diagnostic.js';
import { inWords } from '../duration.js';
import { reachable } from '../graph.js';
import { own, pointer } from '../json.js';
import { typesOf } from '../json-schema.js';
import type { JsonSchema } from '../json-schema.js';
import { itemRoot, parsePath } from '../path.js';
import type { Body } from '../places.js';
import type { ActionSpec } from '../scope.js';
import type { Timeouts } from '../step.js';
import type { Case } from './case.js';

/** The action a body calls and what is registered of it. */
const specOf = ({ known: { actions } }: Case, { body }: Body): ActionSpec | null =>
  body.kind === 'automated' && body.action !== undefined ? (actions?.get(body.action) ?? null) : null;

/** J030. */
export function unknownActions({ bodies, known: { actions } }: Case): Diagnostic[] {
  if (actions === null) return [];
  const unknown = (action: string | undefined, path: string): Diagnostic[] => {
    if (action === undefined || actions.has(action)) return [];
    const [name = ''] = action.split('@');
    const majors = Array.from(actions.keys(), (key) => key.split('@')).flatMap(([other, major]) => (other === name ? [`@${major}`] : []));
    const near = closest(action, actions.keys());
    const advice = majors.length > 0 ? ` (known: ${majors.join(', ')})` : near === null ? '' : `; closest is \`${near}\``;
    return [found('J030', path, `\`${action}\` is not registered${advice}`)];
  };
  return bodies.flatMap(({ body, at }) => [
    ...(body.kind === 'automated' ? unknown(body.action, at('action')) : []),
    ...unknown(body.compensate, at('compensate')),
  ]);
}

/** J031. */
export const unfitInputs = (scene: Case): Diagnostic[] =>
  scene.bodies.flatMap((place) => {
    const { body, at } = place;
    const schema = specOf(scene, place)?.input;
    if (schema === undefined || body.kind !== 'automated') return [];
    const { required = [], properties = {}, additionalProperties } = schema;
    const mapping = body.input ?? {};
    const say = (path: string, message: string): Diagnostic => found('J031', path, `\`${body.action}\` ${message}`);
    const missing = required.filter((name) => !Object.hasOwn(mapping, name));
    return [
      ...missing.map((name) => say(at('input'), `needs \`${name}\`; the mapping never sets it`)),
      ...Object.entries(mapping).flatMap(([name, text]) => {
        const wanted = own(properties, name);
        const path = at('input') + pointer(name);
        if (wanted === undefined) return additionalProperties === false ? [say(path, `does not take \`${name}\``)] : [];
        const given = schemaAt(scene, text);
        if (given === null || fits(given, wanted)) return [];
        return [say(path, `takes \`${name}\` as ${typesOf(wanted).join(' or ')}; \`${text}\` is ${typesOf(given).join(' or ')}`)];
      }),
    ];
  });

function schemaAt({ typeAt }: Case, text: string): JsonSchema | null {
  const path = parsePath(text, [itemRoot]);
  const place = path === null ? null : typeAt(path);
  return place?.kind === 'schema' ? place.schema : null;
}

/** Whether any value of one declaration can be one of the other, by its type. */
function fits(given: JsonSchema, wanted: JsonSchema): boolean {
  const types = typesOf(wanted);
  return typesOf(given).some(
    (type) => types.includes(type) || (type === 'integer' && types.includes('number')) || (type === 'number' && types.includes('integer')),
  );
}

/** J032. */
export const repeatedEffects = (scene: Case): Diagnostic[] =>
  scene.bodies.flatMap((place) => {
    const { id, body, at } = place;
    const isAgain = retryPolicy(body.retry, scene.template.defaults?.retry).maxAttempts !== 1;
    return isAgain && specOf(scene, place)?.effect === 'once' ? [found('J032', at('retry'), `\`${id}\` cannot be repeated safely`)] : [];
  });

const forEver = (path: string, id: string): Diagnostic =>
  found('J033', path, `\`${id}\` may retry for ever: set maxAttempts or timeouts.total`);

/** J033: told of the template where the template says so. */
export function endlessRetries({ template: { defaults = {} }, bodies }: Case): Diagnostic[] {
  const endless = bodies.filter(({ body }) => {
    const isEndless = retryPolicy(body.retry, defaults.retry).maxAttempts === null;
    return isEndless && body.kind === 'automated' && timeLimits(body.timeouts, defaults.timeouts).totalMs === null;
  });
  const shared = endless.find(({ body }) => body.retry?.maxAttempts === undefined);
  return [
    ...(shared === undefined ? [] : [forEver('/defaults/retry', shared.id)]),
    ...endless.flatMap(({ id, body, at }) => (body.retry?.maxAttempts === undefined ? [] : [forEver(at('retry'), id)])),
  ];
}

/** J034: told of the template where the template says so. */
export function wrongTimeouts({ template: { defaults = {} }, bodies }: Case): Diagnostic[] {
  const wrong = (path: string, said: Timeouts | undefined): Diagnostic[] => {
    if (said === undefined) return [];
    const { attemptMs, totalMs, heartbeatMs } = timeLimits(said, defaults.timeouts);
    const isSaid = (said.attempt ?? defaults.timeouts?.attempt) !== undefined;
    const over = isSaid && totalMs !== null && attemptMs > totalMs;
    const slow = heartbeatMs !== null && heartbeatMs >= attemptMs;
    return [
      ...(over ? [found('J034', path, `attempt timeout ${inWords(attemptMs)} exceeds total ${inWords(totalMs)}`)] : []),
      ...(slow
        ? [found('J034', path, `heartbeat ${inWords(heartbeatMs)} is not shorter than the attempt timeout ${inWords(attemptMs)}`)]
        : []),
    ];
  };
  return [...wrong('/defaults/timeouts', defaults.timeouts), ...bodies.flatMap(({ body, at }) => wrong(at('timeouts'), body.timeouts))];
}

/** J035. */
export const shadowedCatches = ({ bodies }: Case): Diagnostic[] =>
  bodies.flatMap(({ body, at }) => {
    const seen = new Map<string, number>();
    return (body.catch ?? []).flatMap(({ errors }, index) => {
      const all = seen.get('*');
      const before = errors.flatMap((error) => seen.get(error) ?? []);
      const by = all ?? (before.length === errors.length ? before[0] : undefined);
      for (const error of errors) if (!seen.has(error)) seen.set(error, index);
      if (by === undefined) return [];
      const name = all === undefined ? `\`${errors.join(', ')}\`` : '`*`';
      return [found('J035', at('catch', index), `catch ${index + 1} is shadowed by ${name} in catch ${by + 1}`)];
    });
  });

/** J037. */
export const undoneEffects = (scene: Case): Diagnostic[] =>
  scene.bodies.flatMap((place) => {
    const { id, body, at } = place;
    if (specOf(scene, place)?.effect !== 'once' || body.compensate !== undefined) return [];
    const lost = Array.from(reachable(scene.graph, [id])).find((other) => isLost(scene, other));
    return lost === undefined ? [] : [found('J037', at(), `\`${id}\` is not undone before \`${lost}\``)];
  });

function isLost({ graph }: Case, id: string): boolean {
  const step = graph.steps.get(id);
  return step?.kind === 'end' && step.result === 'lost';
}

/** J038. */
export const idleSteps = ({ bodies, isLost: isMissing }: Case): Diagnostic[] =>
  bodies.flatMap(({ id, body, at }) =>
    body.kind === 'automated' && body.action === undefined && !isMissing(at('action'))
      ? [found('J038', at(), `\`${id}\` names no action; it completes at once`)]
      : [],
  );
