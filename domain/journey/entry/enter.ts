/** One entry from what somebody asks to what came of it; the world is handed in. Source: journeys.md, sections 1, 2 and 10. */
import type { Instant } from '../../time.js';
import type { Actor } from '../../actor.js';
import type { CompiledTemplate } from '../compile.js';
import type { GuardEngine, GuardTrace } from '../expression.js';
import { own, pointer } from '../json.js';
import type { Json, JsonObject } from '../json.js';
import type { ValueFault } from '../json-schema.js';
import type { JourneyStart } from '../run/state.js';
import { withoutTexts } from '../texts.js';
import type { KeptText } from '../texts.js';
import { admit, askedBy, besides, dedupeWindowMs } from './consider.js';
import type { EntryFacts, Refusal, EntryReason } from './consider.js';
import { dedupeKeyOf, entryData, entryOf, mappedInput, subjectAsked } from './entry.js';
import type { Asked, Entrant } from './entry.js';
import type { SubjectRef } from './event.js';
import { journeyIdFrom, journeyIdText } from './id.js';
import { isPackageOn } from './triggers.js';
import type { PackageIntegrations } from './triggers.js';

/** The version an entry takes. */
export interface EntryTemplate {
  readonly key: string;
  readonly version: number;
  readonly hash: string;
  readonly compiled: CompiledTemplate;
  /** It is published, and takes entries. */
  readonly isOpen: boolean;
}

export interface EntryRequest {
  readonly tenant: string;
  readonly template: EntryTemplate;
  /** Its `commandId` is the same whenever the request is repeated. */
  readonly asked: Asked;
  readonly actor: Actor;
  readonly requester: string | null;
  readonly parent: JourneyStart['parent'];
}

export interface EntryQuestion {
  readonly template: string;
  readonly trigger: string | null;
  readonly entryKey: string;
  readonly commandId: string;
  readonly dedupe: Dedupe | null;
}

/** Events of one trigger with the same key are one. */
export interface Dedupe {
  readonly trigger: string;
  readonly key: string;
  readonly eventId: string;
  readonly windowMs: number;
}

export interface EntrySight extends Omit<EntryFacts, 'now' | 'isEnabled'> {
  /** The journey this very command has started before; null: none. */
  readonly mine: string | null;
  /** What was noted of this very command before; null: nothing, or a call that was refused, which may be made again. */
  readonly noted: Pick<EntryNote, 'result' | 'reason' | 'journeyId'> | null;
  readonly integrations: PackageIntegrations;
}

/** What is kept of an entry, whatever came of it. */
export interface EntryNote {
  readonly template: EntryTemplate;
  readonly trigger: string | null;
  readonly eventId: string | null;
  readonly commandId: string;
  readonly actor: Actor;
  /** As far as it could be read; null: not even the subject. */
  readonly entrant: { readonly subject: SubjectRef; readonly entryKey: string | null } | null;
  readonly result: 'started' | 'existing' | 'signalled' | 'refused';
  readonly reason: EntryReason | null;
  /** The guard that decided, or what is wrong with the input: paths and rules, no values. */
  readonly detail: Json;
  readonly journeyId: string | null;
  readonly at: Instant;
}

export interface Opening extends JourneyStart {
  readonly commandId: string;
  readonly actor: Actor;
}

/** What an entry needs of the world. All but `digest` may fail, and then the same request is made again. */
export interface EntryPorts {
  readonly engine: GuardEngine;
  readonly now: () => Instant;
  /** SHA-256. */
  readonly digest: (text: string) => Uint8Array;
  /** The id of a text, the same for each repetition of a command. */
  readonly textId: (commandId: string, path: string) => string;
  readonly look: (question: EntryQuestion) => Promise<EntrySight>;
  /** Takes a dedupe key for an event; false: another event has it. */
  readonly claim: (template: string, dedupe: Dedupe, until: Instant) => Promise<boolean>;
  /** Stores texts that belong to a journey once it accepts the command. */
  readonly keep: (journeyId: string, commandId: string, texts: readonly KeptText[]) => Promise<void>;
  /** `existing`: another command opened it; `over`: it has ended. */
  readonly open: (start: Opening) => Promise<'started' | 'existing' | 'over'>;
  readonly attach: (
    journeyId: string,
    command: { readonly commandId: string; readonly actor: Actor; readonly input: JsonObject; readonly eventId: string | null },
  ) => Promise<'attached' | 'over'>;
  readonly note: (note: EntryNote) => Promise<void>;
}

export type EntryOutcome =
  /** The trigger's guard is not true. */
  | { readonly kind: 'none' }
  | { readonly kind: 'started' | 'existing' | 'signalled'; readonly journeyId: string }
  | { readonly kind: 'refused'; readonly reason: EntryReason; readonly trace: GuardTrace | null }
  | { readonly kind: 'invalid'; readonly faults: readonly ValueFault[] };

/** Looks taken when another starter was quicker. */
const mostLooks = 5;

/**
 * Enters somebody, or finds out why not.
 *
 * Two who enter at once meet in one journey, since its id follows from the entry; repeated, a request finds what it led to. The faults of a
 * call's input are the caller's business, those of an event's are noted as a refusal.
 *
 * @throws what the ports throw, and Error when others were quicker again and again; the same request may be made again
 */
export async function enter(ports: EntryPorts, request: EntryRequest): Promise<EntryOutcome> {
  const { template, asked } = request;
  const { compiled } = template;
  const { trigger, event } = asked;
  // An event that does not match is no entry, whatever else it lacks.
  const asks = askedBy(trigger, entryData(compiled, asked, mappedInput(compiled, asked), ports.now()), ports.engine);
  if (asks?.kind === 'none') return asks;
  const entered = entryOf(compiled, asked);
  const known = entered.ok ? entered.entrant : whoIsMeant(compiled, asked);
  if (asks !== null) return refusal(ports, request, known, asks);
  if (!entered.ok) {
    if (trigger === null) return { kind: 'invalid', faults: entered.faults };
    return refusal(ports, request, known, { kind: 'refuse', reason: 'input_invalid', trace: null }, faultsAsDetail(entered.faults));
  }
  const { entrant } = entered;
  const { commandId } = asked;
  const dedupe =
    trigger === null || event === null
      ? null
      : {
          trigger: trigger.id,
          key: dedupeKeyOf(trigger, { ...asked, input: entrant.input }),
          eventId: event.id,
          windowMs: trigger.dedupeWindow ?? dedupeWindowMs,
        };
  const data = entryData(compiled, asked, entrant.input, ports.now());
  const question = { template: template.key, trigger: trigger?.id ?? null, entryKey: entrant.entryKey, commandId, dedupe };
  for (let looks = 1; looks <= mostLooks; looks += 1) {
    const { mine, noted: before, integrations, ...sight } = await ports.look(question);
    if (before !== null) return outcomeOf(before);
    if (mine !== null) return noted(ports, request, entrant, 'started', mine);
    const isEnabled = template.isOpen && isPackageOn(integrations, trigger, event?.type ?? null);
    const considered = admit(compiled, { ...sight, isEnabled, now: ports.now() }, data, ports.engine);
    if (considered.kind === 'refuse') return refusal(ports, request, entrant, considered);
    if (considered.kind === 'existing') return noted(ports, request, entrant, 'existing', considered.journeyId);
    if (dedupe !== null && !(await ports.claim(template.key, dedupe, ports.now() + dedupe.windowMs))) {
      return refusal(ports, request, entrant, { kind: 'refuse', reason: 'duplicate_event', trace: null });
    }
    const going =
      considered.kind === 'start'
        ? opened(ports, request, entrant, considered.entry)
        : attached(ports, request, entrant, considered.journeyId);
    const outcome = await going;
    if (outcome !== null) return outcome;
  }
  throw new Error('others entered at the same time, again and again');
}

/** Whom an entry is about whose input does not fit. */
function whoIsMeant(template: CompiledTemplate, asked: Asked): EntryNote['entrant'] {
  const subject = subjectAsked(template, asked);
  return subject === null ? null : { subject, entryKey: null };
}

/** Said again as it was said the first time, whatever has changed since. */
const outcomeOf = ({ result, reason, journeyId }: Pick<EntryNote, 'result' | 'reason' | 'journeyId'>): EntryOutcome =>
  result === 'refused' || journeyId === null
    ? { kind: 'refused', reason: reason ?? 'trigger_disabled', trace: null }
    : { kind: result, journeyId };

async function opened(ports: EntryPorts, request: EntryRequest, entrant: Entrant, entry: number): Promise<EntryOutcome | null> {
  const { tenant, template, asked, actor, requester, parent } = request;
  const { commandId, trigger, event } = asked;
  const { key, version, hash, compiled } = template;
  const journeyId = journeyIdFrom(ports.digest(journeyIdText(tenant, key, entrant.entryKey, entry)));
  const { input, texts } = inputOf(ports, compiled, commandId, entrant.input);
  if (texts.length > 0) await ports.keep(journeyId, commandId, texts);
  const answer = await ports.open({
    journeyId,
    tenant,
    template: { key, version, hash },
    subject: entrant.subject,
    entryKey: entrant.entryKey,
    entry,
    input,
    requester,
    trigger: trigger === null ? null : { id: trigger.id, eventId: event?.id ?? null },
    parent,
    startedAt: ports.now(),
    commandId,
    actor,
  });
  if (answer === 'over') return null;
  if (answer === 'started') return noted(ports, request, entrant, 'started', journeyId);
  // Somebody was quicker, and PostgreSQL may not know yet: the rule for two at once answers here.
  const rule = besides(compiled.entry, journeyId);
  if (rule.kind === 'refuse') return refusal(ports, request, entrant, rule);
  return rule.kind === 'signal' ? attached(ports, request, entrant, journeyId) : noted(ports, request, entrant, 'existing', journeyId);
}

async function attached(ports: EntryPorts, request: EntryRequest, entrant: Entrant, journeyId: string): Promise<EntryOutcome | null> {
  const { asked, actor, template } = request;
  const { input, texts } = inputOf(ports, template.compiled, asked.commandId, entrant.input);
  if (texts.length > 0) await ports.keep(journeyId, asked.commandId, texts);
  const eventId = asked.event?.id ?? null;
  const answer = await ports.attach(journeyId, { commandId: asked.commandId, actor, input, eventId });
  return answer === 'over' ? null : noted(ports, request, entrant, 'signalled', journeyId);
}

/** The input as a journey may hold it. */
function inputOf(
  { textId }: EntryPorts,
  { input: schema = {}, context = {} }: CompiledTemplate,
  commandId: string,
  input: JsonObject,
): { readonly input: JsonObject; readonly texts: readonly KeptText[] } {
  const kept = Object.entries(input).map(([name, value]) => {
    const at = pointer(name);
    const isPersonal = own(context, name)?.pii === true;
    const declared = own(schema.properties ?? {}, name) ?? {};
    return [
      name,
      withoutTexts(
        value,
        declared,
        (path) => textId(commandId, at + path),
        (path) => isPersonal && path === '',
      ),
    ] as const;
  });
  return {
    input: Object.fromEntries(kept.map(([name, { value }]) => [name, value])),
    texts: kept.flatMap(([, { texts }]) => texts),
  };
}

async function noted(
  ports: EntryPorts,
  request: EntryRequest,
  entrant: Entrant,
  result: 'started' | 'existing' | 'signalled',
  journeyId: string,
): Promise<EntryOutcome> {
  const reason = result === 'started' ? null : 'already_active';
  await ports.note({ ...noteOf(ports, request, entrant), result, reason, detail: null, journeyId });
  return { kind: result, journeyId };
}

async function refusal(
  ports: EntryPorts,
  request: EntryRequest,
  entrant: EntryNote['entrant'],
  { reason, trace }: Refusal,
  detail: Json = trace === null ? null : traceAsDetail(trace),
): Promise<EntryOutcome> {
  await ports.note({ ...noteOf(ports, request, entrant), result: 'refused', reason, detail, journeyId: null });
  return { kind: 'refused', reason, trace };
}

const noteOf = (ports: EntryPorts, { template, asked, actor }: EntryRequest, entrant: EntryNote['entrant']) => ({
  template,
  trigger: asked.trigger?.id ?? null,
  eventId: asked.event?.id ?? null,
  commandId: asked.commandId,
  actor,
  entrant,
  at: ports.now(),
});

const traceAsDetail = ({ expression, verdict, reads, fault }: GuardTrace): Json => ({
  expression,
  verdict,
  reads: reads.map(({ path, found }) => ({ path, found })),
  fault: fault === null ? null : { reason: fault.reason, path: fault.path },
});

const faultsAsDetail = (faults: readonly ValueFault[]): Json => ({ faults: faults.map(({ path, rule }) => ({ path, rule })) });
