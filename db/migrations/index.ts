/** Every migration, in order; none is edited once it has landed. */
import type { Migration } from 'kysely';
import * as desk from './0001-desk.js';

export const migrations: Record<string, Migration> = { '0001-desk': desk };
