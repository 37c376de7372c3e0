/** What every check of a template looks at. */
import type { Block } from '../blocks.js';
import type { Diagnostic } from '../diagnostic.js';
import type { ExpressionReport, GuardEngine, TypeLookup, Wanted } from '../expression.js';
import type { Graph } from '../graph.js';
import { itemRoot } from '../path.js';
import type { Body } from '../places.js';
import type { Actions } from '../scope.js';
import type { JourneyTemplate } from '../template.js';

/** What exists around a template; null where nobody knows, and nothing is said about it. */
export interface Known {
  readonly actions: Actions | null;
  readonly packages: readonly string[];
  readonly isZone: ((zone: string) => boolean) | null;
  readonly calendars: ReadonlySet<string> | null;
  /** Roles and team keys. */
  readonly roles: ReadonlySet<string> | null;
}

export interface Case {
  readonly template: JourneyTemplate;
  /** Of the compiled form. */
  readonly bytes: number;
  readonly graph: Graph;
  readonly blocks: readonly Block[];
  readonly bodies: readonly Body[];
  readonly typeAt: TypeLookup;
  readonly guards: GuardEngine;
  /** What the engine says of an expression; asked as often as a check likes, it is looked at once. */
  readonly report: (source: string, wanted: Wanted, isItem: boolean) => ExpressionReport;
  readonly known: Known;
  /** Whether something at or within a place could not be read. */
  readonly isLost: (path: string) => boolean;
  /** Whether all ways through the template could be read. */
  readonly isWhole: boolean;
}

/** The item at hand is known within `forEach` only. */
export const typesFor = ({ typeAt }: Pick<Case, 'typeAt'>, isItem: boolean): TypeLookup =>
  isItem ? typeAt : (path) => (path[0] === itemRoot ? { kind: 'unknown', known: [] } : typeAt(path));

export type Check = (scene: Case) => Diagnostic[];
