/** Lists: one step for each item, so many at a time, so many failures borne. Source: journeys.md, section 2; scripts.md, section 3. */
import { guardLimits } from '../expression.js';
import { isList, isObject } from '../json.js';
import type { Json } from '../json.js';
import { read } from './data.js';
import type { Draft } from './draft.js';
import { sceneOf } from './effects.js';
import { park } from './incident.js';
import { complete } from './leave.js';
import { bodyOf } from './plan.js';
import type { BodyOf } from './plan.js';
import type { Items, Visit } from './visit.js';

/** The positions of a list that are to begin now. */
export type Beginner = (list: Visit, index: number, name: string) => void;

export function beginItems(draft: Draft, visit: Visit, body: BodyOf<'forEach'>, begin: Beginner): void {
  if (visit.items !== null) return repeatFailed(draft, visit, visit.items, begin);
  const list = read(body.items, sceneOf(draft.state, visit, draft.at), visit.found);
  if (!isList(list)) return park(draft, visit, 'requirement_missing', { paths: [body.items] });
  if (list.length > guardLimits.items) {
    return park(draft, visit, 'requirement_missing', { paths: [body.items], items: list.length, limit: guardLimits.items });
  }
  const items = { list, next: 0, completed: 0, skipped: 0, failed: [] };
  goOnWithItems(draft, draft.put({ ...visit, items }), begin);
}

/** Begins as many as may run, or is done. */
export function goOnWithItems(draft: Draft, visit: Visit, begin: Beginner): void {
  const body = bodyOf(draft.plan, visit);
  if (body.kind !== 'forEach' || visit.items === null || visit.incident !== null) return;
  const { maxConcurrency = 5 } = body;
  let { items } = visit;
  const running = draft.state.visits.filter(({ parent }) => parent === visit.key).length;
  for (let free = maxConcurrency - running; free > 0 && items.next < items.list.length; free -= 1) {
    const index = items.next;
    items = { ...items, next: index + 1 };
    const list = draft.put({ ...visit, items });
    begin(list, index, itemName(items.list, index));
  }
  const settled = items.completed + items.skipped + items.failed.length;
  if (settled < items.list.length) return;
  const after = draft.visit(visit.key);
  if (after === undefined) return;
  const output = {
    items: items.list.length,
    completed: items.completed,
    skipped: items.skipped,
    failed: items.failed.map((at) => itemName(items.list, at)),
  };
  complete(draft, after, { cause: 'join', outcome: 'completed', output });
}

/** An item has come out. The failure that is one too many opens the incident; what runs finishes, and nothing new begins. */
export function itemEnded(draft: Draft, ended: Visit, begin: Beginner): void {
  const list = draft.visit(ended.parent ?? '');
  const body = list === undefined ? null : bodyOf(draft.plan, list);
  if (list === undefined || list.items === null || body?.kind !== 'forEach' || ended.index === null) return;
  const { items } = list;
  const isFailed = ended.state === 'failed' && body.do.optional !== true;
  const next: Items = isFailed
    ? { ...items, failed: [...items.failed, ended.index] }
    : ended.state === 'skipped'
      ? { ...items, skipped: items.skipped + 1 }
      : { ...items, completed: items.completed + 1 };
  const counted = draft.put({ ...list, items: next });
  if (counted.incident !== null) return;
  const { tolerateFailures = 0 } = body;
  if (next.failed.length <= tolerateFailures) return goOnWithItems(draft, counted, begin);
  const failed = next.failed.map((at) => itemName(next.list, at));
  const code = ended.incident?.code ?? 'action_failed';
  park(draft, counted, code, { item: ended.item, failed, tolerateFailures, cause: ended.incident?.detail ?? null });
}

/** Those that failed are done again, then the rest. */
function repeatFailed(draft: Draft, visit: Visit, items: Items, begin: Beginner): void {
  const list = draft.put({ ...visit, items: { ...items, failed: [] } });
  for (const index of items.failed) begin(list, index, itemName(items.list, index));
  const after = draft.visit(visit.key);
  if (after !== undefined) goOnWithItems(draft, after, begin);
}

/** The item itself where it is an id, or has one; else its number. The second of the same name goes by its number too. */
function itemName(list: readonly Json[], index: number): string {
  const name = ownName(list[index]);
  const isTaken = name !== null && list.slice(0, index).some((other) => ownName(other) === name);
  return name === null || isTaken ? `#${index + 1}` : name;
}

function ownName(item: Json | undefined): string | null {
  const id = isObject(item) ? item['id'] : item;
  const text = typeof id === 'number' ? String(id) : id;
  return typeof text === 'string' && /^[A-Za-z0-9_.:-]{1,128}$/.test(text) ? text : null;
}
