/** Steps a script speaks of that no template of its run has: a slip of the pen, which an expectation would not notice. */
import type { Script } from '../../domain/journey/simulate/script.js';
import { closest } from '../../domain/journey/closest.js';
import type { ScriptFile } from './script-file.js';
import type { FileFault } from './template-file.js';

/** Where an event or expectation names a step, and under which field. */
function namedIn({ events, expect }: Script): { readonly path: readonly (string | number)[]; readonly step: string }[] {
  const ofEvents = events.flatMap((event) => {
    const at = (field: string) => ['events', event.index, field];
    switch (event.kind) {
      case 'complete':
      case 'vote':
      case 'delegate':
      case 'handoff':
      case 'fail':
        return [{ path: at(event.kind), step: event.step }];
      case 'result':
        return [{ path: at('step'), step: event.step }];
      case 'operator':
        return [
          ...(event.step === undefined ? [] : [{ path: at('step'), step: event.step }]),
          ...(event.to === undefined ? [] : [{ path: at('to'), step: event.to }]),
        ];
      default:
        return [];
    }
  });
  const ofExpectations = expect.flatMap((expected, index) => {
    const field = expected.kind === 'handoff' ? 'handoff' : 'step';
    const step =
      expected.kind === 'handoff' ? expected.handoff : expected.kind === 'step' || expected.kind === 'emitted' ? expected.step : undefined;
    return step === undefined ? [] : [{ path: ['expect', index, field], step }];
  });
  return [...ofEvents, ...ofExpectations];
}

/** @param templates every template that may run */
export function unknownSteps({ name, script, where }: ScriptFile, templates: readonly { readonly steps: object }[]): FileFault[] {
  const known = new Set(templates.flatMap(({ steps }) => Object.keys(steps)));
  return namedIn(script).flatMap(({ path, step }) => {
    // A command for a step that is not there may be what is tried.
    const event = path[0] === 'events' ? script.events.find(({ index }) => index === path[1]) : undefined;
    if (known.has(step) || event?.refused !== undefined) return [];
    const meant = closest(step, known);
    const field = `/${path.join('/')}`;
    return [
      { file: name, ...where(path), field, rule: `must be a step of the template${meant === null ? '' : `; did you mean ${meant}?`}` },
    ];
  });
}
