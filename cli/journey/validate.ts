import { validate } from '../../domain/journey/validate.js';
import { countsText, findingsText } from './findings.js';
import { jsonText } from './output.js';
import type { ExitCode, Output } from './output.js';
import { readActions, surroundingsOf } from './surroundings.js';
import { findTemplate } from './templates.js';

export interface ValidateOptions {
  readonly actions?: string | undefined;
  /** The version published before. */
  readonly previous?: string | undefined;
  readonly json: boolean;
}

/**
 * `usher journey validate`: tells everything that is wrong with a template.
 *
 * @returns 0 it can be published, 1 it has errors
 * @throws Unreadable
 */
export async function validateFile(name: string, { actions, previous, json }: ValidateOptions, output: Output): Promise<ExitCode> {
  const file = await findTemplate(name);
  const before = previous === undefined ? {} : { previous: { template: (await findTemplate(previous)).value } };
  const { template: _, ...verdict } = validate(file.value, {
    ...surroundingsOf(await readActions(actions)),
    ...before,
    repeatedKeys: file.repeatedKeys,
  });
  const { isValid, errors, warnings } = verdict;
  if (json) {
    output.print(jsonText(verdict));
  } else {
    if (errors.length + warnings.length > 0) output.print(`${findingsText(file, [...errors, ...warnings])}\n`);
    output.print(
      isValid ? `${file.name} is valid: ${countsText(errors, warnings)}` : `${file.name} is not valid: ${countsText(errors, warnings)}`,
    );
  }
  return isValid ? 0 : 1;
}
