/** Every migration, in order; none is edited once it has landed. */
import type { Migration } from 'kysely';
import * as desk from './0001-desk.js';
import * as serviceLevels from './0002-service-levels.js';

export const migrations: Record<string, Migration> = { '0001-desk': desk, '0002-service-levels': serviceLevels };
