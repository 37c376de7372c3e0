import { plainJson } from '../../domain/journey/json.js';
import type { JsonFault } from '../../domain/journey/json.js';
import { jsonText } from './output.js';
import type { ExitCode, Output } from './output.js';
import { Unreadable } from './template-file.js';
import { findTemplate } from './templates.js';

const rules: Readonly<Record<JsonFault['fault'], string>> = {
  not_json: 'is nothing that JSON can hold',
  too_deep: 'is nested too deep',
  prototype: 'has a name that is never accepted',
};

/**
 * `usher journey print`: a template as the JSON that `POST /v1/journey-templates` takes, right or wrong.
 *
 * @throws Unreadable naming every place that JSON cannot hold
 */
export async function printFile(name: string, output: Output): Promise<ExitCode> {
  const file = await findTemplate(name);
  const { value, faults } = plainJson(file.value);
  if (faults.length > 0) {
    throw new Unreadable(faults.map(({ path, fault }) => ({ file: file.name, line: 0, column: 0, field: path, rule: rules[fault] })));
  }
  output.print(jsonText(value));
  return 0;
}
