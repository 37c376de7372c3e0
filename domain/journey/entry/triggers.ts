/** Which triggers an event concerns, and whose package it comes from. Source: journeys.md, section 2; scripts.md, section 3. */
import type { CompiledTemplate } from '../compile.js';
import { own } from '../json.js';
import type { SubjectType } from '../template.js';
import type { CompiledTrigger } from './entry.js';
import type { BusEvent } from './event.js';

export interface TriggerOf<Template extends CompiledTemplate = CompiledTemplate> {
  readonly template: Template;
  readonly trigger: CompiledTrigger;
}

const triggersIn = <Template extends CompiledTemplate>(
  templates: readonly Template[],
  picks: (trigger: CompiledTrigger, template: Template) => boolean,
): TriggerOf<Template>[] =>
  templates.flatMap((template) =>
    (template.triggers ?? []).flatMap((trigger) => (picks(trigger, template) ? [{ template, trigger }] : [])),
  );

/** Triggers that an event may fire, in order of the templates; `when` is still to be asked. */
export const triggersFor = <Template extends CompiledTemplate>(
  templates: readonly Template[],
  { type, data }: Pick<BusEvent, 'type' | 'data'>,
): TriggerOf<Template>[] =>
  triggersIn(templates, (trigger) =>
    trigger.kind === 'journey'
      ? type === 'journey.ended' && own(data, 'template') === trigger.type
      : trigger.kind === 'event' && trigger.type === type,
  );

/** Condition triggers that watch subjects of a type. */
export const conditionsOn = <Template extends CompiledTemplate>(templates: readonly Template[], type: SubjectType): TriggerOf<Template>[] =>
  triggersIn(
    templates,
    (trigger, template) => trigger.kind === 'condition' && trigger.when !== undefined && template.subject.type === type,
  );

/** Prefix of an event type → the package it comes from. */
const packagesByPrefix: Readonly<Record<string, string>> = {
  crm: 'crm',
  'field-ops': 'field-ops',
  'billing-system': 'billing-system',
  service: 'business-logic',
  'business-logic': 'business-logic',
  support: 'support-system',
  'support-system': 'support-system',
};

/** The package of an event: the trigger's, else told by the prefix of its type; null: none, as of our own events. */
export function packageOf(trigger: CompiledTrigger | null, eventType: string): string | null {
  const cut = eventType.indexOf(':');
  return trigger?.package ?? (cut < 0 ? null : (own(packagesByPrefix, eventType.slice(0, cut)) ?? null));
}

/** A tenant's switch for each package; one that is not named is on. */
export type PackageIntegrations = Readonly<Record<string, { readonly enabled: boolean }>>;

/** Whether a trigger may fire for an event. Only events and what follows from them come from a package; a call never does. */
export function isPackageOn(integrations: PackageIntegrations, trigger: CompiledTrigger | null, eventType: string | null): boolean {
  const name = trigger === null || eventType === null ? null : packageOf(trigger, eventType);
  return name === null || (own(integrations, name)?.enabled ?? true);
}
