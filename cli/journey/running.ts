/** A journey under way, or over, as the API tells it: what happened to which step, who did it, and why. */
import { isList, isObject, plainJson } from '../../domain/journey/json.js';
import type { Json, JsonObject } from '../../domain/journey/json.js';
import { table } from '../table.js';
import { jsonText } from './output.js';
import type { ExitCode, Output } from './output.js';
import { unreadable } from './template-file.js';
import { personIn, visited, whatOf, whyOf } from './trace-text.js';

export interface RunningOptions {
  /** Address of the API, with or without `/v1`. */
  readonly api: string;
  readonly key: string;
  readonly json: boolean;
}

/** The most the API gives at once. */
const pageSize = 100;

/**
 * `usher journey explain --journey`: the history of a journey and of its handoffs, with the reasons given.
 *
 * @throws Unreadable when the API does not answer, or not with the journey
 */
export async function explainRunning(id: string, { api, key, json }: RunningOptions, output: Output): Promise<ExitCode> {
  const base = `${api.replace(/\/+$/, '').replace(/\/v1$/, '')}/v1/journeys/${id}`;
  const view = await get(base, key);
  const events: JsonObject[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { data = [], page = {} } = await get(`${base}/history?limit=${pageSize}${cursor}`, key);
    events.push(...(isList(data) ? data.filter((one) => isObject(one)) : []));
    const next = isObject(page) && page['hasMore'] === true ? textAt(page, 'next') : '';
    cursor = next === '' ? null : `&cursor=${encodeURIComponent(next)}`;
  }
  if (json) output.print(jsonText({ journey: view, events }));
  else
    output.print(
      [
        table([['at', 'step', 'what', 'by', 'why'], ...events.map((event, index) => row(event, events[index - 1] ?? {}))]),
        '',
        standing(view),
      ].join('\n'),
    );
  return 0;
}

async function get(url: string, key: string): Promise<JsonObject> {
  const headers = { authorization: `Bearer ${key}`, accept: 'application/json' };
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(30_000) });
    const { value } = plainJson(await response.json());
    const body = isObject(value) ? value : {};
    if (response.ok) return body;
    return await Promise.reject(unreadable(url, `is refused: ${response.status} ${textAt(body, 'code')}. ${textAt(body, 'detail')}`));
  } catch (error) {
    if (error instanceof Error && error.name === 'Unreadable') throw error;
    throw unreadable(url, `does not answer: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** @param before the event before it: what a command was given for is said once, however much came of it */
function row(event: JsonObject, before: JsonObject): string[] {
  const data = isObject(event['data']) ? event['data'] : {};
  const type = textAt(event, 'type');
  const by = textAt(event, 'actorName') || personIn(textAt(event, 'actor'));
  const reason = textAt(before, 'commandId') === textAt(event, 'commandId') ? '' : textAt(event, 'text');
  const why = [whyOf({ type, data }), ...(reason === '' ? [] : [JSON.stringify(reason)])].filter((part) => part !== '').join(' · ');
  return [textAt(event, 'at'), placeOf(textAt(event, 'subject'), data), whatOf({ type, data }), by, why];
}

/** The step an event is about; a handoff is named by its step and visit. */
function placeOf(subject: string, { step, visit }: JsonObject): string {
  const [, named, count] = /^handoff\/[^.]+[.](.+?)[.](\d+)/.exec(subject) ?? [];
  if (named !== undefined) return visited(named, Number(count));
  return typeof step === 'string' ? visited(step, typeof visit === 'number' ? visit : 1) : '';
}

/** How it stands, in a line. */
function standing(view: JsonObject): string {
  const { version = null, progress = null, openSteps } = view;
  const open = isList(openSteps) ? openSteps.filter((step) => typeof step === 'string').join(', ') : '';
  const state = ['status', 'result', 'outcome'].flatMap((name) => textAt(view, name) || []).join(' ');
  const name = `${textAt(view, 'templateKey')}@${JSON.stringify(version)}`;
  return `${textAt(view, 'id')} of ${name}: ${state}, ${JSON.stringify(progress)} %${open === '' ? '' : `, open: ${open}`}`;
}

const textAt = (object: JsonObject, name: string): string => {
  const value: Json = object[name] ?? null;
  return typeof value === 'string' ? value : '';
};
