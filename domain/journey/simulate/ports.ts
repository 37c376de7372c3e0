/** What the simulator is handed, and what it simulates. Zones, hashes and the guard engine carry packages or a host with them. */
import type { Instant } from '../../time.js';
import type { EntryTemplate } from '../entry/enter.js';
import type { GuardEngine } from '../expression.js';
import type { Actions } from '../scope.js';
import type { QuietHours } from '../step.js';

export interface SimulatorPorts {
  readonly engine: GuardEngine;
  /** SHA-256. */
  readonly digest: (text: string) => Uint8Array;
  readonly actions: Actions;
  readonly nextLocalTime: (local: string, zone: string, after: Instant) => Instant;
  readonly quietUntil: (hours: QuietHours, zone: string, at: Instant) => Instant | null;
  readonly isZone: (zone: string) => boolean;
  /** What the clock in a zone shows, as if it were UTC. */
  readonly localMs: (zone: string, at: Instant) => number;
  /** When so much open time of a calendar has passed; null: nobody knows the calendar, and every hour counts. */
  readonly openTime: (calendar: string, from: Instant, amountsMs: readonly number[]) => readonly Instant[] | null;
}

export interface Cast {
  /** Their triggers see what happens; the first is the template of the script. */
  readonly templates: readonly EntryTemplate[];
  /** Any template that a step may start, by its key; null: there is none. */
  readonly child: (key: string) => EntryTemplate | null;
}
