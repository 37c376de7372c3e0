/** What every check of a template looks at. */
import type { Diagnostic } from '../diagnostic.js';
import type { GuardEngine, TypeLookup } from '../expression.js';
import type { Graph } from '../graph.js';
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
  readonly graph: Graph;
  readonly bodies: readonly Body[];
  readonly typeAt: TypeLookup;
  readonly guards: GuardEngine;
  readonly known: Known;
  /** Whether something at or within a place could not be read. */
  readonly isLost: (path: string) => boolean;
  /** Whether all ways through the template could be read. */
  readonly isWhole: boolean;
}

export type Check = (scene: Case) => Diagnostic[];
