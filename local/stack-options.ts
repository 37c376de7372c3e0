import type { Log } from './log.js';
import type { StackPorts } from './stack-ports.js';

export interface StackOptions {
  /** Everything that is kept between runs. */
  stateDir: string;
  /** `'free'` picks ports nobody uses; a port left out is the usual one. */
  ports: 'free' | Partial<StackPorts>;
  /** The dev server on a file, or the production-like server on PostgreSQL. */
  engine?: 'dev' | 'server';
  /** Begin with an empty state. */
  fresh?: boolean;
  /** A PostgreSQL of the user's own; its login and, for migrations, the owner's. */
  databaseUrl?: string;
  databaseOwnerUrl?: string;
  /** A Temporal server of the user's own, which has the namespace. */
  temporalAddress?: string;
  /** Tickets of the demo tenant run under service levels. */
  policies?: boolean;
  /** A new ticket of the demo tenant starts the support journey. */
  journeys?: boolean;
  /** More environment variables for api and worker; they win. */
  env?: Record<string, string>;
  /** Folder of the compiled code, which api and worker run instead of their source: for those that start many stacks. */
  built?: string;
  /** Start parts again that end by themselves; tests want them to stay down. */
  supervise?: boolean;
  /** Gives up starting. */
  signal?: AbortSignal;
  /** Hears what is being done. */
  log: Log;
}
