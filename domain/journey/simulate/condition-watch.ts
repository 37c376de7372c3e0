/** Triggers that watch what is known of somebody. Source: journeys.md, section 2. */
import { watchCondition } from '../entry/condition.js';
import type { ConditionMemory } from '../entry/condition.js';
import type { EntryTemplate } from '../entry/enter.js';
import { entryData } from '../entry/entry.js';
import type { CompiledTrigger } from '../entry/entry.js';
import { conditionsOn } from '../entry/triggers.js';
import type { GuardTrace } from '../expression.js';
import type { JourneyStart } from '../run/state.js';
import { subjectTypes } from '../template.js';
import { askedBy } from './asked.js';
import type { Cast } from './ports.js';
import type { Subject } from './script.js';
import type { World } from './world.js';

/** A trigger that watches a condition, and whose it is. */
export interface Watching {
  readonly template: EntryTemplate;
  readonly trigger: CompiledTrigger;
}

export class ConditionWatch {
  private readonly cast: Cast;
  private readonly world: World;
  private readonly memory = new Map<string, ConditionMemory>();

  constructor(cast: Cast, world: World) {
    this.cast = cast;
    this.world = world;
  }

  /** Those that watch subjects of this type. */
  on({ type }: JourneyStart['subject']): Watching[] {
    const known = subjectTypes.find((one) => one === type);
    if (known === undefined) return [];
    return this.cast.templates.flatMap((template) =>
      conditionsOn([template.compiled], known).map(({ trigger }) => ({ template, trigger })),
    );
  }

  /** What its condition says of the subject now. */
  verdict({ template, trigger }: Watching, subject: JourneyStart['subject']): GuardTrace {
    const { ports, now } = this.world;
    const data = entryData(template.compiled, askedBy(this.world, trigger, null, subject), {}, now);
    return ports.engine.evaluate(trigger.when ?? 'true', data);
  }

  /** How things are at first is no change: nothing fires. */
  begin(subject: Subject): void {
    for (const watching of this.on(subject)) {
      const { verdict } = this.verdict(watching, subject);
      const key = memoryKey(watching, subject);
      this.memory.set(key, { isTrue: verdict === 'true', firedAt: this.memory.get(key)?.firedAt ?? null });
    }
  }

  /** Looks again, and whether it fires now. */
  look(watching: Watching, subject: Subject): { readonly fires: boolean; readonly trace: GuardTrace } {
    const trace = this.verdict(watching, subject);
    const key = memoryKey(watching, subject);
    const { fires, after } = watchCondition(watching.trigger, this.memory.get(key) ?? null, trace.verdict, this.world.now);
    this.memory.set(key, after);
    return { fires, trace };
  }
}

const memoryKey = ({ template, trigger }: Watching, { type, id }: Subject): string => `${template.key} ${trigger.id} ${type}/${id}`;
