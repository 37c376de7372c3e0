/** Every migration, in order; none is edited once it has landed. */
import type { Migration } from 'kysely';
import * as desk from './0001-desk.js';
import * as serviceLevels from './0002-service-levels.js';
import * as journeys from './0003-journeys.js';
import * as bulk from './0004-bulk.js';
import * as stream from './0005-stream.js';

export const migrations: Record<string, Migration> = {
  '0001-desk': desk,
  '0002-service-levels': serviceLevels,
  '0003-journeys': journeys,
  '0004-bulk': bulk,
  '0005-stream': stream,
};
