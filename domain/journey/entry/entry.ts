/** Whom an entry is for and what it brings along. Source: journeys.md, sections 1 and 2. */
import type { Instant } from '../../time.js';
import type { CompiledTemplate } from '../compile.js';
import type { GuardData } from '../expression.js';
import { canonical, isObject, memberAt, own, pointer } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import { valueFaults } from '../json-schema.js';
import type { ValueFault } from '../json-schema.js';
import { parsePath } from '../path.js';
import type { Trigger } from '../template.js';
import { valueAt } from '../run/weigh.js';
import { envelopeIds, eventRoot, idText, subjectText } from './event.js';
import type { BusEvent, SubjectRef } from './event.js';

export type CompiledTrigger = Trigger<string, number>;

/** What wants to enter. */
export interface Asked {
  /** Null: started by a call, or as another journey's child. */
  readonly trigger: CompiledTrigger | null;
  readonly event: BusEvent | null;
  /** The subject's `type`, `id` and attributes, as far as they are known; null: nobody says. */
  readonly subject: JsonObject | null;
  /** What a call brings; a trigger's map is laid over it. */
  readonly input: JsonObject;
  /** Of the call, or of the event that took its place. */
  readonly commandId: string;
}

export interface Entrant {
  readonly subject: SubjectRef;
  /** Entries with the same key of one template are counted together, and at most one of them is open. */
  readonly entryKey: string;
  readonly input: JsonObject;
}

export type Entered = { readonly ok: true; readonly entrant: Entrant } | { readonly ok: false; readonly faults: readonly ValueFault[] };

/**
 * Maps, checks and names an entry.
 *
 * @returns or every fault: paths begin with `/input` or `/subject`
 */
export function entryOf(template: CompiledTemplate, asked: Asked): Entered {
  const input = mappedInput(template, asked);
  const faults = valueFaults(template.input ?? { type: 'object' }, input, '/input');
  const data = rootsOf({ ...asked, input });
  const subject = subjectIn(template, asked, data);
  const key = keyIn(template, data);
  for (const { fault } of [subject, key]) {
    if (fault !== undefined && !faults.some(({ path }) => path === fault.path)) faults.push(fault);
  }
  if (subject.value === null || faults.length > 0) return { ok: false, faults };
  return { ok: true, entrant: { subject: subject.value, entryKey: entryKeyOf(template, subject.value, key.value, asked), input } };
}

/**
 * What an entry brings: mapped fields first; a declared field that nothing fills is taken from the event's ids, or, where a trigger has no map at all, from its data;
 * the field that names the subject from the subject itself.
 */
export function mappedInput(template: CompiledTemplate, { trigger, event, subject, input }: Asked): JsonObject {
  const data = rootsOf({ event, subject, input });
  const mapped = Object.entries(trigger?.map ?? {}).flatMap(([field, path]) => {
    const value = lying(data, path);
    // What its sender left open fills nothing.
    return value === undefined || value === null ? [] : [[field, value] as const];
  });
  const given: JsonObject = { ...input, ...Object.fromEntries(mapped) };
  const declared = Object.keys(template.input?.properties ?? {});
  const found = declared.flatMap((field) => {
    const value = own(given, field) === undefined ? offered(field, trigger, event) : undefined;
    return value === undefined || value === null ? [] : [[field, value] as const];
  });
  const filled: JsonObject = { ...given, ...Object.fromEntries(found) };
  const field = subjectField(template);
  const id = subject?.['id'];
  const isSubject = subject?.['type'] === template.subject.type;
  return field === null || id === undefined || !isSubject || own(filled, field) !== undefined ? filled : { ...filled, [field]: id };
}

function offered(field: string, trigger: CompiledTrigger | null, event: BusEvent | null): Json | undefined {
  if (trigger === null || event === null) return undefined;
  const name = envelopeIds.find((known) => known === field);
  const id = name === undefined ? undefined : event[name];
  return id ?? (trigger.map === undefined ? own(event.data, field) : undefined);
}

/** The input field that holds the subject's id; null where it lies elsewhere. */
function subjectField({ subject }: CompiledTemplate): string | null {
  const path = parsePath(subject.id);
  if (path === null) return subject.id;
  const [root, field] = path;
  return root === 'input' && path.length === 2 ? String(field) : null;
}

/** Whom an entry would be for, as far as its input tells, whether or not it fits. */
export function subjectAsked(template: CompiledTemplate, asked: Asked): SubjectRef | null {
  return subjectIn(template, asked, rootsOf({ ...asked, input: mappedInput(template, asked) })).value;
}

/** Whom a journey is about that a step starts: whom its input names, else whom the journey of the step is about, if both are of one kind. */
export function subjectOfChild(
  template: CompiledTemplate,
  asked: Asked,
  parent: { readonly type: string; readonly id: string },
): SubjectRef | null {
  const { type } = template.subject;
  return subjectAsked(template, asked) ?? (parent.type === type ? { type, id: parent.id } : null);
}

interface Named<Value> {
  readonly value: Value;
  readonly fault?: ValueFault;
}

const nobody = (path: string, rule: string): Named<null> => ({ value: null, fault: { path, rule } });

function subjectIn(template: CompiledTemplate, { subject, trigger }: Asked, data: JsonObject): Named<SubjectRef | null> {
  const { type, id: path } = template.subject;
  const field = subjectField(template);
  const at = field === null ? '/subject/id' : `/input${pointer(field)}`;
  const found = lying(data, path);
  const given = subject?.['type'] === type ? subject['id'] : undefined;
  const id = idText(found ?? given);
  // Who calls may not name one subject and mean another.
  if (trigger === null && subject !== null && given === undefined) return nobody('/subject/type', `must be ${type}`);
  if (id === undefined) {
    return nobody(at, found === undefined ? 'must be there: it names the subject' : 'must be 1 to 128 letters, digits and _ . : -');
  }
  if (trigger === null && given !== undefined && idText(given) !== id) return nobody('/subject/id', `must be ${id}, as the input says`);
  return { value: { type, id } };
}

function keyIn({ entry = {} }: CompiledTemplate, data: JsonObject): Named<string> {
  if (entry.concurrency !== 'one_per_key' || entry.key === undefined) return { value: '' };
  const value = lying(data, entry.key);
  const path = parsePath(entry.key) === null ? `/input${pointer(entry.key)}` : `/${entry.key.replaceAll('.', '/')}`;
  if (value === undefined || value === null) return { value: '', fault: { path, rule: 'must be there: it is part of the entry key' } };
  return { value: typeof value === 'string' ? value : canonical(value) };
}

function entryKeyOf({ entry = {} }: CompiledTemplate, subject: SubjectRef, key: string, { commandId, event, trigger }: Asked): string {
  switch (entry.concurrency ?? 'one_per_subject') {
    case 'one_per_subject':
      return subjectText(subject);
    case 'one_per_key':
      return `${subjectText(subject)}/${key}`;
    case 'unlimited':
      // One time of a schedule is everybody's, so that it names nobody.
      return trigger?.kind === 'schedule' ? commandId : (event?.id ?? commandId);
  }
}

/** What lies at a path; a bare name is that of an input field. */
const lying = (data: JsonObject, path: string): Json | undefined =>
  parsePath(path) === null ? memberAt(data['input'], path) : valueAt(path, data);

const rootsOf = ({ event, subject, input }: Pick<Asked, 'event' | 'subject' | 'input'>): JsonObject => ({
  input,
  ...(event === null ? {} : { event: eventRoot(event) }),
  ...(subject === null ? {} : { subject }),
});

/** What guards of an entry may read. The variables are those a journey would begin with. */
export function entryData(template: CompiledTemplate, asked: Asked, input: JsonObject, now: Instant): GuardData {
  return { ...rootsOf({ ...asked, input }), context: firstContext(template, input), now };
}

/** Constants, else input fields of the same name, else defaults. */
function firstContext({ context = {} }: CompiledTemplate, input: JsonObject): JsonObject {
  const values = Object.entries(context).flatMap(([name, { const: fixed, default: initial }]) => {
    const constant = fixed === true && initial !== undefined ? initial : fixed;
    const value = constant ?? own(input, name) ?? initial;
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(values);
}

/** What makes two events of a trigger the same: a path or mapped field, else the event's id. */
export function dedupeKeyOf({ dedupeKey }: CompiledTrigger, { event, input, subject }: Pick<Asked, 'event' | 'subject' | 'input'>): string {
  const value = dedupeKey === undefined ? undefined : lying(rootsOf({ event, subject, input }), dedupeKey);
  if (value === undefined || value === null || isObject(value)) return event?.id ?? '';
  return typeof value === 'string' ? value : canonical(value);
}
