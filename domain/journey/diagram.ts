/** A template as a drawing, in Mermaid's language. Source: journeys.md, section 12. */
import { guardText } from './condition-rows.js';
import { blocksOf } from './blocks.js';
import type { Block } from './blocks.js';
import { graphOf } from './graph.js';
import { own, segmentsOf } from './json.js';
import type { Step, StepKind, Transition } from './step.js';
import type { JourneyTemplate } from './template.js';

/** How a step stands in one instance. Source: scripts.md, section 3. */
export const stepStates = ['pending', 'open', 'completed', 'skipped', 'failed', 'superseded', 'cancelled', 'incident'] as const;
export type StepState = (typeof stepStates)[number];

/** Where an instance is: step → state of its newest visit. Steps left out are pending. */
export type Overlay = Readonly<Record<string, StepState>>;

/** Opening and closing of a node, by kind: what people do is round, what decides is a rhombus. */
const outlines: Readonly<Record<StepKind, readonly [string, string]>> = {
  automated: ['[', ']'],
  manual: ['(', ')'],
  approval: ['(', ')'],
  handoff: ['[/', '/]'],
  wait: ['([', '])'],
  decision: ['{', '}'],
  parallel: ['[[', ']]'],
  forEach: ['[[', ']]'],
  experiment: ['{', '}'],
  journey: ['[[', ']]'],
  touchpoint: ['>', ']'],
  end: ['((', '))'],
};

const colours: Readonly<Record<Exclude<StepState, 'pending'>, string>> = {
  open: 'fill:#dbeafe,stroke:#1d4ed8,stroke-width:3px',
  completed: 'fill:#dcfce7,stroke:#15803d',
  skipped: 'fill:#f3f4f6,stroke:#6b7280,stroke-dasharray:4 4',
  failed: 'fill:#fee2e2,stroke:#b91c1c',
  superseded: 'fill:#f3f4f6,stroke:#6b7280,stroke-dasharray:2 2',
  cancelled: 'fill:#f3f4f6,stroke:#374151',
  incident: 'fill:#fef3c7,stroke:#b45309,stroke-width:3px',
};

/**
 * A flowchart: a node for each step, framed by stage, an arrow for each way, labelled with its outcome or guard.
 *
 * @param overlay colours the steps by where an instance is
 */
export function flowchart(template: JourneyTemplate, overlay: Overlay = {}): string {
  const names = namesOf(template);
  const node = ([id, step]: readonly [string, Step]): string => {
    const [open, close] = outlines[step.kind];
    return `${names(id)}${open}"${quoted(step.name ?? id)}"${close}`;
  };
  const lines = [
    'flowchart TD',
    ...framed(template, names, node),
    ...parallelIds(template).map((id) => `  ${joinOf(names(id))}(("join"))`),
    `  begin(( )) --> ${names(template.start)}`,
    ...arrows(template, names).map(({ from, to, label, isAside }) => {
      const arrow = isAside ? '-.->' : '-->';
      return `  ${from} ${arrow}${label === '' ? '' : `|"${quoted(label)}"|`} ${to}`;
    }),
    ...coloured(template, overlay, names),
  ];
  return `${lines.join('\n')}\n`;
}

/** A state diagram with the same steps and ways. */
export function stateDiagram(template: JourneyTemplate, overlay: Overlay = {}): string {
  const names = namesOf(template);
  const lines = [
    'stateDiagram-v2',
    ...Object.entries(template.steps).map(([id, { name = id }]) => `  state "${quoted(name)}" as ${names(id)}`),
    ...parallelIds(template).map((id) => `  state ${joinOf(names(id))} <<join>>`),
    `  [*] --> ${names(template.start)}`,
    ...arrows(template, names).map(({ from, to, label }) => `  ${from} --> ${to}${label === '' ? '' : ` : ${quoted(label)}`}`),
    ...Object.entries(template.steps).flatMap(([id, { kind }]) => (kind === 'end' ? [`  ${names(id)} --> [*]`] : [])),
    ...coloured(template, overlay, names),
  ];
  return `${lines.join('\n')}\n`;
}

/** Names of nodes: ids hold words that Mermaid keeps for itself. A step that is not there has a name too. */
function namesOf({ steps }: JourneyTemplate): (id: string) => string {
  const names = new Map(Object.keys(steps).map((id, index) => [id, `s${index}`]));
  return (id) => names.get(id) ?? 'missing';
}

/** Quotes and what Mermaid or HTML would take for theirs, as entities. */
const quoted = (text: string): string =>
  text.replaceAll(/[#"<>&;\n\r`|{}[\]]/g, (character) => (character === '\n' || character === '\r' ? ' ' : `#${character.charCodeAt(0)};`));

const parallelIds = ({ steps }: JourneyTemplate): string[] =>
  Object.entries(steps).flatMap(([id, { kind }]) => (kind === 'parallel' ? [id] : []));

/** Nodes by stage, those without one last. */
function framed(
  { steps, stages = [] }: JourneyTemplate,
  names: (id: string) => string,
  node: (entry: readonly [string, Step]) => string,
): string[] {
  const entries = Object.entries(steps);
  const known = stages.map(({ id }) => id);
  const inFrames = stages
    .toSorted((one, other) => one.order - other.order)
    .flatMap(({ id, name }, index) => {
      const members = entries.filter(([, { stage }]) => stage === id);
      if (members.length === 0) return [];
      return [`  subgraph stage${index}["${quoted(name)}"]`, ...members.map((entry) => `    ${node(entry)}`), '  end'];
    });
  const loose = entries.filter(([, { stage }]) => stage === undefined || !known.includes(stage));
  return [...inFrames, ...loose.map((entry) => `  ${node(entry)}`)];
}

interface Arrow {
  /** Names of nodes. */
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly isAside: boolean;
}

/** The ways of the graph; the branches of a block meet in a node of their own, from which the journey goes on. */
function arrows(template: JourneyTemplate, names: (id: string) => string): Arrow[] {
  const graph = graphOf(template);
  const blocks = blocksOf(graph, template.start);
  return Array.from(graph.steps).flatMap(([id, step]) =>
    graph.from(id).flatMap(({ to, kind, path }): Arrow[] => {
      const target = to ?? blockAround(blocks, id);
      if (target === null) return [];
      const isJoined = kind === 'done' && step.kind === 'parallel';
      return [
        {
          from: isJoined ? joinOf(names(id)) : names(id),
          to: to === null ? joinOf(names(target)) : names(target),
          label: labelOf(step, path),
          isAside: kind === 'aside',
        },
      ];
    }),
  );
}

const joinOf = (name: string): string => `${name}_join`;

/** The innermost block that a step ends a branch of. */
export function blockAround(blocks: readonly Block[], from: string): string | null {
  const around = blocks.flatMap(({ id, outside, branches }) => {
    const branch = outside.has(from) ? undefined : branches.find(({ steps }) => steps.has(from));
    return branch === undefined ? [] : [{ id, size: branch.steps.size }];
  });
  return around.toSorted((one, other) => one.size - other.size)[0]?.id ?? null;
}

/** What stands beside an arrow: the author's label, else outcome and guard, else the field that says so. */
export function labelOf(step: Step, path: string): string {
  const [, , ...place] = segmentsOf(path);
  const [field = '', position = ''] = place[0] === 'do' ? place.slice(1) : place;
  const transition = field === 'transitions' ? step.transitions?.[Number(position)] : undefined;
  if (transition !== undefined) return transition.label ?? wayOf(transition);
  if (field === 'branches') return '';
  return field === 'catch' ? 'caught' : String(place.at(-1));
}

const wayOf = ({ outcome, when, default: isDefault }: Transition): string => {
  if (isDefault === true) return 'otherwise';
  return [outcome, when === undefined ? undefined : guardText(when, 'context')].filter((part) => part !== undefined).join(' · ');
};

/** Classes for the states that occur, and which step is of which. */
function coloured({ steps }: JourneyTemplate, overlay: Overlay, names: (id: string) => string): string[] {
  return Object.entries(colours).flatMap(([state, colour]) => {
    const members = Object.keys(steps).filter((id) => own(overlay, id) === state);
    return members.length === 0 ? [] : [`  classDef ${state} ${colour}`, `  class ${members.map(names).join(',')} ${state}`];
  });
}
