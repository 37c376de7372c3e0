/** Where a template names paths outside of expressions. */
import { pointer } from '../json.js';
import type { CompleteOn, Gate, Mapping, Match } from '../step.js';
import type { Case } from './case.js';

/** A path written as text somewhere in the template. */
export interface PathPlace {
  readonly path: string;
  readonly text: string;
  readonly isItem: boolean;
  /** A bare name is the name of an input field. */
  readonly isShort: boolean;
  /** The variable it is written to, where it is. */
  readonly into: string | null;
}

type Into = 'variable' | 'field';

/** Every path that is no part of an expression. */
export function pathsOf({ template, bodies }: Case): PathPlace[] {
  const { subject, triggers = [], entry = {}, exits = [], goals = [] } = template;
  const place = (path: string, text: string | undefined, more: Partial<PathPlace> = {}): PathPlace[] =>
    text === undefined ? [] : [{ path, text, isItem: false, isShort: false, into: null, ...more }];
  const mapping = (at: string, map: Mapping | undefined, into: Into, more: Partial<PathPlace> = {}): PathPlace[] =>
    Object.entries(map ?? {}).flatMap(([name, text]) =>
      place(at + pointer(name), text, { ...more, into: into === 'variable' ? name : null }),
    );
  const match = (at: string, pairs: Match | undefined, more: Partial<PathPlace> = {}): PathPlace[] =>
    Object.entries(pairs ?? {}).flatMap(([from, to]) => [...place(at + pointer(from), from, more), ...place(at + pointer(from), to, more)]);
  return [
    ...place('/subject/id', subject.id, { isShort: true }),
    ...place('/entry/key', entry.key, { isShort: true }),
    ...triggers.flatMap(({ map, dedupeKey }, index) => [
      ...mapping(pointer('triggers', index, 'map'), map, 'field'),
      ...place(pointer('triggers', index, 'dedupeKey'), dedupeKey, { isShort: true }),
    ]),
    ...exits.flatMap((exit, index) => match(pointer('exits', index, 'match'), exit.match)),
    ...goals.flatMap((goal, index) => [
      ...match(pointer('goals', index, 'match'), goal.match),
      ...place(pointer('goals', index, 'value'), goal.value),
    ]),
    ...bodies.flatMap(({ body, isItem, at }) => {
      const more = { isItem };
      const events = (field: string, list: readonly CompleteOn[] = []): PathPlace[] =>
        list.flatMap((event, index) => [
          ...match(at(field, index, 'match'), event.match, more),
          ...mapping(at(field, index, 'output'), event.output, 'variable', more),
        ]);
      const evidence = (gate: Gate | undefined, ...segments: readonly string[]): PathPlace[] =>
        (gate?.evidence ?? []).flatMap((text, index) => place(at(...segments, 'evidence', index), text, more));
      const until = body.kind === 'wait' && typeof body.until === 'string' && !isInstant(body.until) ? body.until : undefined;
      return [
        ...(body.requires ?? []).flatMap((need, index) => place(at('requires', index, 'path'), need.path, more)),
        ...mapping(at('input'), body.input, 'field', more),
        ...mapping(at('output'), body.output, 'variable', more),
        ...('completeOn' in body ? events('completeOn', body.completeOn) : []),
        ...(body.kind === 'wait' ? [...events('event', body.event), ...place(at('until'), until, more)] : []),
        ...(body.kind === 'forEach' ? place(at('items'), body.items, more) : []),
        ...(body.kind === 'approval' ? evidence(body) : []),
        ...(body.kind === 'handoff' ? evidence(body.approval, 'approval') : []),
      ];
    }),
  ];
}

/** An instant that is written out begins with its year. */
export const isInstant = (text: string): boolean => /^\d{4}-/.test(text);
