/** Templates and events that a test changes in the one thing it is about. */
import { createHash } from 'node:crypto';
import type { CompiledTemplate } from '../../../../domain/journey/compile.js';
import { compile } from '../../../../domain/journey/compile.js';
import type { EntryFacts } from '../../../../domain/journey/entry/consider.js';
import type { Asked, CompiledTrigger } from '../../../../domain/journey/entry/entry.js';
import type { BusEvent } from '../../../../domain/journey/entry/event.js';
import type { JourneyTemplate } from '../../../../domain/journey/template.js';
import { fromIso } from '../../../../domain/time.js';
import { aTemplate } from '../builders.js';

export { guards } from '../builders.js';

export const noon = fromIso('2026-01-05T12:00:00.000Z');

/** Compiled as it would be published. */
export const compiled = (changes: Record<string, unknown> = {}, steps: Record<string, unknown> = {}): CompiledTemplate =>
  compile(aTemplate(steps, changes) as unknown as JourneyTemplate);

export const anEvent = (changes: Partial<BusEvent> = {}): BusEvent => ({
  id: 'e-1',
  type: 'crm:lead_converted',
  source: 'crm',
  at: noon,
  customerId: 'C1',
  data: {},
  ...changes,
});

export const aTrigger = (changes: Partial<CompiledTrigger> = {}): CompiledTrigger => ({
  id: 'converted',
  kind: 'event',
  type: 'crm:lead_converted',
  ...changes,
});

export const aCall = (input: Asked['input'], changes: Partial<Asked> = {}): Asked => ({
  trigger: null,
  event: null,
  subject: null,
  input,
  commandId: 'k-1',
  ...changes,
});

export const byEvent = (trigger: CompiledTrigger = aTrigger(), event: BusEvent = anEvent(), changes: Partial<Asked> = {}): Asked => ({
  ...aCall({}, { trigger, event, commandId: `event-${event.id}` }),
  ...changes,
});

/** Nothing stands in the way. */
export const noFacts = (changes: Partial<EntryFacts> = {}): EntryFacts => ({
  now: noon,
  isEnabled: true,
  isRepeated: false,
  open: null,
  ended: 0,
  lastEndedAt: null,
  openInTenant: 0,
  capacity: 500,
  ...changes,
});

export const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();
