/** Every migration, in order; none is edited once it has landed. */
import type { Migration } from 'kysely';
import * as desk from './0001-desk.js';
import * as serviceLevels from './0002-service-levels.js';
import * as journeys from './0003-journeys.js';
import * as bulk from './0004-bulk.js';
import * as stream from './0005-stream.js';
import * as identity from './0006-identity.js';
import * as webhooks from './0007-webhooks.js';
import * as audit from './0008-audit.js';
import * as requestLimits from './0009-request-limits.js';
import * as erasure from './0010-erasure.js';
import * as hooks from './0011-hooks.js';
import * as callbacks from './0012-callbacks.js';
import * as webhookAge from './0013-webhook-age.js';
import * as noticeBatches from './0014-notice-batches.js';
import * as refusals from './0015-refusals.js';

export const migrations: Record<string, Migration> = {
  '0001-desk': desk,
  '0002-service-levels': serviceLevels,
  '0003-journeys': journeys,
  '0004-bulk': bulk,
  '0005-stream': stream,
  '0006-identity': identity,
  '0007-webhooks': webhooks,
  '0008-audit': audit,
  '0009-request-limits': requestLimits,
  '0010-erasure': erasure,
  '0011-hooks': hooks,
  '0012-callbacks': callbacks,
  '0013-webhook-age': webhookAge,
  '0014-notice-batches': noticeBatches,
  '0015-refusals': refusals,
};
