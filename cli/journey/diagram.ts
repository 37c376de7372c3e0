import { flowchart, stateDiagram } from '../../domain/journey/diagram.js';
import type { Overlay } from '../../domain/journey/diagram.js';
import { layoutOf } from '../../domain/journey/layout.js';
import { readTemplate } from '../../domain/journey/reading.js';
import { templateShape } from '../../domain/journey/schema.js';
import { jsonText } from './output.js';
import type { ExitCode, Output } from './output.js';
import { findTemplate } from './templates.js';
import { unreadable } from './template-file.js';

export interface DiagramOptions {
  /** A state diagram instead of a flowchart. */
  readonly states: boolean;
  /** Places and ways instead of a drawing. */
  readonly json: boolean;
}

/**
 * `usher journey diagram`: draws a template, whatever else may be wrong with it.
 *
 * @param overlayOf where an instance is
 * @throws Unreadable
 */
export async function drawFile(
  name: string,
  { states, json }: DiagramOptions,
  output: Output,
  overlayOf: () => Promise<Overlay> = () => Promise.resolve({}),
): Promise<ExitCode> {
  const { value } = await findTemplate(name);
  const { template } = readTemplate(value, templateShape);
  if (template === null || Object.keys(template.steps).length === 0) throw unreadable(name, 'has no steps to draw');
  const overlay = await overlayOf();
  const draw = states ? stateDiagram : flowchart;
  output.print(json ? jsonText(layoutOf(template, overlay)) : draw(template, overlay).trimEnd());
  return 0;
}
