/** Handoffs as callers read them. */
import { iso, isoOrNull } from '../tickets/view.js';
import { readable } from '../journeys/view.js';
import type { Contents } from '../journeys/view.js';
import type { HandoffView } from './schema.js';
import type { HandoffRecord } from '../../db/queries/handoffs.js';
import type { HandoffView as StandingHandoff } from '../../domain/journey/run/record.js';
import { toIso } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

export const handoffView = (row: HandoffRecord, contents: Contents): HandoffView => ({
  id: row.id,
  journey: row.journeyId,
  step: row.step,
  visit: row.visit,
  extra: row.extra,
  state: row.state,
  from: row.fromPackage,
  to: row.toPackage,
  mode: row.mode,
  owner: row.owner,
  assignee: row.assignee,
  people: [...row.people],
  roles: [...row.roles],
  data: readable(row.data, contents),
  missing: [...row.missing],
  outcome: row.outcome,
  reason: row.reason,
  approval: row.hasGate ? row.id : null,
  dueAt: isoOrNull(row.dueAt),
  attempts: row.attempts,
  version: row.version,
  createdAt: iso(row.createdAt),
  endedAt: isoOrNull(row.endedAt),
});

const instant = (at: Instant | null): string | null => (at === null ? null : toIso(at));

/** As its workflow answered: everything but texts. */
export const acceptedHandoff = (view: StandingHandoff): HandoffView => ({
  id: view.handoffId,
  journey: view.journeyId,
  step: view.step,
  visit: view.visit,
  extra: view.extra,
  state: view.state,
  from: view.from,
  to: view.to,
  mode: view.mode,
  owner: view.owner,
  assignee: view.assignee,
  people: [...(view.people ?? [])],
  roles: [...(view.roles ?? [])],
  data: readable(view.data, new Map()),
  missing: [...view.missing],
  outcome: view.outcome,
  reason: view.reason,
  approval: view.mode === 'approve' ? view.handoffId : null,
  dueAt: instant(view.dueAt),
  attempts: view.attempts,
  version: view.version,
  createdAt: toIso(view.createdAt),
  endedAt: instant(view.endedAt),
});
