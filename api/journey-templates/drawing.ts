/** A template as a drawing: for Mermaid, or as places for a drawing of one's own. Source: journeys.md, section 12. */
import { flowchart, stateDiagram } from '../../domain/journey/diagram.js';
import type { Overlay } from '../../domain/journey/diagram.js';
import { graphOf } from '../../domain/journey/graph.js';
import type { Graph } from '../../domain/journey/graph.js';
import type { JourneyTemplate } from '../../domain/journey/template.js';
import type { drawing, mermaid } from './schema.js';
import type { z } from 'zod';

type Fields<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>;
export type Drawing = Fields<typeof mermaid> | Fields<typeof drawing>;

/** @param overlay where an instance is; its steps are coloured, and in places marked */
export function draw(template: JourneyTemplate, format: Drawing['format'], overlay?: Overlay): Drawing {
  if (format === 'mermaid') return { format, flowchart: flowchart(template, overlay), states: stateDiagram(template, overlay) };
  const graph = graphOf(template);
  const rows = rowsOf(graph, template.start);
  const taken = new Map<number, number>();
  const nodes = Object.entries(template.steps).map(([id, { kind, name = id, stage = null }]) => {
    const y = rows.get(id) ?? rows.size;
    const x = taken.get(y) ?? 0;
    taken.set(y, x + 1);
    return { id, kind, name, stage, x, y, ...(overlay === undefined ? {} : { state: overlay[id] ?? 'pending' }) };
  });
  const edges = Object.keys(template.steps).flatMap((from) => graph.from(from).map(({ to, kind }) => ({ from, to, kind })));
  return { format, nodes, edges };
}

/** How many steps each is from the start; what nothing leads to is not among them. */
function rowsOf(graph: Graph, start: string): Map<string, number> {
  const rows = new Map([[start, 0]]);
  // What is added while it is walked is walked too.
  for (const [id, row] of rows) {
    for (const { to } of graph.from(id)) if (to !== null && !rows.has(to)) rows.set(to, row + 1);
  }
  return rows;
}
