/** What the API is handed when it is built; nothing in it reaches for anything else. */
import type { Logger } from '../logger.js';
import type { Db } from '../db/client.js';
import type { FileStore } from '../db/files.js';
import type { TicketCommands } from './commands.js';
import type { ApiMetrics } from './metrics.js';
import type { ReprojectionEngine } from './service-levels/reprojection-engine.js';
import type { SigningKeys } from './signing.js';

export interface Deps {
  readonly db: Db;
  readonly commands: TicketCommands;
  readonly reprojections: ReprojectionEngine;
  readonly files: FileStore;
  readonly keys: SigningKeys;
  readonly metrics: ApiMetrics;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Address of the API as its callers see it, without a slash at the end. */
  readonly publicUrl: string;
  /** Where operators watch the workflows. */
  readonly webUi: { readonly url: string; readonly namespace: string };
}
