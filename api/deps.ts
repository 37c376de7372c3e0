/** What the API is handed when it is built; nothing in it reaches for anything else. */
import type { Logger } from '../logger.js';
import type { Db } from '../db/client.js';
import type { FileStore } from '../db/files.js';
import type { SecretBox } from '../db/secret-box.js';
import type { Denials } from './audit/denials.js';
import type { BulkEngine } from './bulk/engine.js';
import type { TicketCommands } from './commands.js';
import type { ErasureEngine } from './erasures/engine.js';
import type { JourneyCommands } from './journeys/commands.js';
import type { ApiMetrics } from './metrics.js';
import type { RequestLimits } from './limits/limiter.js';
import type { ReprojectionEngine } from './service-levels/reprojection-engine.js';
import type { SigningKeys } from './signing.js';
import type { StreamHub } from './stream/streams.js';

/** How tokens of identity providers are taken. */
export interface SignInSettings {
  /** The claim that names the tenant, by key or id; without one, who the token names decides. */
  readonly tenantClaim?: string;
  /** Lets providers be anywhere, also in this network and without TLS. */
  readonly privateTargets: boolean;
  /** Whom readers of the reference page sign in with; nobody: they paste a key. */
  readonly docs?: { readonly issuer: string; readonly clientId: string };
}

/** How webhooks are managed. */
export interface WebhookSettings {
  /** Seals what requests are signed with. */
  readonly secrets: SecretBox;
  /** How long the answer of a test is waited for, in milliseconds. */
  readonly testMs: number;
}

export interface Deps {
  readonly db: Db;
  readonly commands: TicketCommands;
  readonly journeys: JourneyCommands;
  readonly reprojections: ReprojectionEngine;
  readonly batches: BulkEngine;
  readonly erasures: ErasureEngine;
  readonly streams: StreamHub;
  readonly files: FileStore;
  readonly keys: SigningKeys;
  readonly metrics: ApiMetrics;
  readonly requests: RequestLimits;
  readonly denials: Denials;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Milliseconds of one request, all in all. */
  readonly answerWithin: number;
  /** Address of the API as its callers see it, without a slash at the end. */
  readonly publicUrl: string;
  readonly signIn: SignInSettings;
  readonly webhooks: WebhookSettings;
  /** Where operators watch the workflows. */
  readonly webUi: { readonly url: string; readonly namespace: string };
}
