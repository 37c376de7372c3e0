/** The events of the outside in a run. */
import type { Instant } from '../../time.js';
import { concerns, consumes, earsOf } from '../entry/correlation.js';
import type { Ear } from '../entry/correlation.js';
import type { Instance as Known } from '../entry/correlation.js';
import { reachedGoals } from '../entry/goals.js';
import type { ReachedGoal } from '../entry/goals.js';
import { eventRoot } from '../entry/event.js';
import type { BusEvent } from '../entry/event.js';
import type { CompiledTemplate } from '../compile.js';
import type { GuardEngine } from '../expression.js';
import type { JsonObject } from '../json.js';
import { subjectTypes } from '../template.js';
import type { Performer } from './performer.js';

export class EventLog {
  private readonly events: BusEvent[] = [];
  private readonly ears = new Map<CompiledTemplate, ReadonlyMap<string, readonly Ear[]>>();

  add(event: BusEvent): void {
    this.events.push(event);
  }

  root(id: string): JsonObject | undefined {
    const found = this.events.findLast((event) => event.id === id);
    return found === undefined ? undefined : eventRoot(found);
  }

  /** Events of these types that came at or after an instant and concern an instance, oldest first. */
  since(since: Instant, types: readonly string[], instance: Performer): readonly BusEvent[] {
    return this.events.filter((event) => event.at >= since && types.includes(event.type) && this.concerns(event, instance));
  }

  concerns(event: BusEvent, instance: Performer): boolean {
    return concerns(event, this.earsFor(event, instance), knownOf(instance));
  }

  /** Whether an open wait, `completeOn` or exit of an instance takes an event. */
  consumes(event: BusEvent, instance: Performer, engine: GuardEngine, now: Instant): boolean {
    return consumes(event, this.earsFor(event, instance), knownOf(instance), engine, now);
  }

  /** The goals an event reaches for an instance, whether or not it reached them before. */
  goals(event: BusEvent, instance: Performer, engine: GuardEngine, now: Instant): readonly ReachedGoal[] {
    const { startedAt } = instance.start;
    return reachedGoals(instance.template.compiled, event, { ...knownOf(instance), startedAt }, engine, now);
  }

  private earsFor({ type }: BusEvent, { template }: Performer): readonly Ear[] {
    const { compiled } = template;
    const known = this.ears.get(compiled) ?? earsOf(compiled);
    this.ears.set(compiled, known);
    return known.get(type) ?? [];
  }
}

function knownOf(instance: Performer): Known {
  const { journeyId, subject, input } = instance.start;
  const { context, openSteps } = instance.view();
  const type = subjectTypes.find((known) => known === subject.type) ?? 'custom';
  return { journeyId, subject: { type, id: subject.id }, input, context, openSteps };
}
