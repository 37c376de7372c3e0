/** The database's part in an entry: what the rules look at and leave behind, each in a transaction of its own. */
import { createHash } from 'node:crypto';
import { v5 as uuidFrom } from 'uuid';
import type { TenantTx } from '../client.js';
import { claimDedupeKey, keepEntryTexts, lookAtEntry, noteEntry } from './journey-entry.js';
import type { TenantId } from '../../domain/ids.js';
import type { EntryPorts } from '../../domain/journey/entry/enter.js';
import type { GuardEngine } from '../../domain/journey/expression.js';
import type { Instant } from '../../domain/time.js';

export interface EntryDatabase {
  readonly tenant: TenantId;
  /** Runs work in one transaction of the tenant. */
  readonly within: <T>(work: (tx: TenantTx) => Promise<T>) => Promise<T>;
  readonly engine: GuardEngine;
  /** A new time-ordered UUID. */
  readonly newId: () => string;
  readonly now: () => Instant;
}

/** Everything but the messages to journeys. */
export const entryPorts = ({ tenant, within, engine, newId, now }: EntryDatabase): Omit<EntryPorts, 'open' | 'attach'> => ({
  engine,
  now,
  digest: (text) => createHash('sha256').update(text).digest(),
  textId: (commandId, path) => uuidFrom(`entry-text/${commandId}${path}`, tenant),
  look: (question) => within((tx) => lookAtEntry(tx, tenant, question, now())),
  claim: (template, dedupe, until) => within((tx) => claimDedupeKey(tx, tenant, template, dedupe, until, now())),
  keep: (journeyId, commandId, texts) => within((tx) => keepEntryTexts(tx, tenant, journeyId, commandId, texts)),
  note: (note) => within((tx) => noteEntry(tx, tenant, note, newId)),
});
