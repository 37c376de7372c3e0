/** Where the steps of a template stand in a drawing: in rows, each below everything that leads to it but for ways back. Source: journeys.md, section 12. */
import { blockAround, labelOf } from './diagram.js';
import type { Overlay, StepState } from './diagram.js';
import { blocksOf } from './blocks.js';
import { graphOf } from './graph.js';
import type { Edge } from './graph.js';
import { own } from './json.js';
import type { StepKind } from './step.js';
import type { JourneyTemplate } from './template.js';

export interface PlacedStep {
  readonly id: string;
  readonly kind: StepKind;
  readonly name: string;
  readonly stage: string | null;
  readonly state: StepState;
  /** Of the middle, in pixels from the upper left. */
  readonly x: number;
  readonly y: number;
}

export interface PlacedWay {
  readonly from: string;
  readonly to: string;
  /** `join`: the end of a branch, on to what follows its block. */
  readonly kind: Edge['kind'] | 'join';
  readonly label: string;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Row by row. */
  readonly steps: readonly PlacedStep[];
  readonly ways: readonly PlacedWay[];
}

const cell = { width: 240, height: 120 } as const;

/** @param overlay where an instance is */
export function layoutOf(template: JourneyTemplate, overlay: Overlay = {}): Layout {
  const ways = waysOf(template);
  const rows = new Map<number, string[]>();
  const rowOf = rowsOf(template, ways);
  // Within a row as the author wrote them.
  for (const id of Object.keys(template.steps)) {
    const row = rowOf.get(id) ?? 0;
    rows.set(row, [...(rows.get(row) ?? []), id]);
  }
  const columns = Math.max(0, ...Array.from(rows.values(), ({ length }) => length));
  const steps = Array.from(rows)
    .toSorted(([one], [other]) => one - other)
    .flatMap(([row, ids]) =>
      ids.flatMap((id, index): PlacedStep[] => {
        const step = own(template.steps, id);
        if (step === undefined) return [];
        const x = ((columns - ids.length) / 2 + index + 0.5) * cell.width;
        const y = (row + 0.5) * cell.height;
        return [{ id, kind: step.kind, name: step.name ?? id, stage: step.stage ?? null, state: own(overlay, id) ?? 'pending', x, y }];
      }),
    );
  return { width: columns * cell.width, height: rows.size * cell.height, steps, ways };
}

/** The ways between steps that are there; what follows a block is led to by the ends of its branches. */
function waysOf(template: JourneyTemplate): PlacedWay[] {
  const graph = graphOf(template);
  const blocks = blocksOf(graph, template.start);
  return Array.from(graph.steps).flatMap(([id, step]) =>
    graph.from(id).flatMap(({ to, kind, path }): PlacedWay[] => {
      if (to !== null)
        return graph.steps.has(to) && !(kind === 'done' && step.kind === 'parallel')
          ? [{ from: id, to, kind, label: labelOf(step, path) }]
          : [];
      const block = blockAround(blocks, id);
      if (block === null) return [];
      const after = graph
        .from(block)
        .flatMap((edge) => (edge.kind === 'done' && edge.to !== null && graph.steps.has(edge.to) ? [edge.to] : []));
      return [...new Set(after)].map((target) => ({ from: id, to: target, kind: 'join', label: labelOf(step, path) }));
    }),
  );
}

/** The longest way from the start to each step, ways back left out; a step that cannot be reached stands in the first row. */
function rowsOf({ start, steps }: JourneyTemplate, ways: readonly PlacedWay[]): Map<string, number> {
  const onward = new Map(Object.keys(steps).map((id) => [id, [...new Set(ways.filter(({ from }) => from === id).map(({ to }) => to))]]));
  const order = inOrder([start, ...onward.keys()], onward);
  const place = new Map(order.map((id, index) => [id, index]));
  const rows = new Map(order.map((id) => [id, 0]));
  for (const id of order) {
    for (const to of onward.get(id) ?? []) {
      const isBack = (place.get(to) ?? 0) <= (place.get(id) ?? 0);
      if (!isBack) rows.set(to, Math.max(rows.get(to) ?? 0, (rows.get(id) ?? 0) + 1));
    }
  }
  return rows;
}

/** Each step before what it leads to, but for ways back; with a stack of its own, as some templates are deep. */
function inOrder(roots: readonly string[], onward: ReadonlyMap<string, readonly string[]>): string[] {
  const seen = new Set<string>();
  const left: string[] = [];
  for (const root of roots) {
    const walk = [{ id: root, at: 0 }];
    for (let top = walk.at(-1); top !== undefined; top = walk.at(-1)) {
      if (top.at === 0 && (seen.has(top.id) || !onward.has(top.id))) {
        walk.pop();
        continue;
      }
      seen.add(top.id);
      const next = onward.get(top.id)?.[top.at];
      top.at += 1;
      if (next !== undefined) walk.push({ id: next, at: 0 });
      else left.unshift(walk.pop()?.id ?? '');
    }
  }
  return left;
}
