/**
 * Runs a script: the reducer of journeys and the machine of handoffs, everything else as the script says, on a virtual clock.
 * Source: scripts.md, section 1; journeys.md, section 12.
 */
import type { Instant } from '../../time.js';
import type { CompiledTemplate } from '../compile.js';
import type { EntryTemplate } from '../entry/enter.js';
import type { BusEvent } from '../entry/event.js';
import { isObject } from '../json.js';
import type { JsonObject } from '../json.js';
import type { StepBody } from '../step.js';
import { Commands, isCommand } from './commands.js';
import type { Command } from './commands.js';
import { Entrance } from './entrance.js';
import type { EntryAttempt } from './entry-desk.js';
import type { Cast, SimulatorPorts } from './ports.js';
import type { Answered, Run, Standing } from './run.js';
import type { Config, EventOf, Script, ScriptEvent } from './script.js';
import { VirtualWorld } from './virtual-world.js';
import type { Said, Setting, World } from './world.js';

export interface Simulation {
  readonly run: Run;
  /** Everybody who asked to enter, and what came of it. */
  readonly entries: readonly EntryAttempt[];
  /** Asks whether somebody would be let in at the end; nobody is. */
  readonly wouldEnter: Entrance['wouldEnter'];
}

/** On the virtual clock, where nobody says otherwise. */
const usualWorld = (setting: Setting): World => new VirtualWorld(setting);

/**
 * Plays a script to its last instant.
 *
 * At one instant answers to attempts are noted first, then happens what is due, then what the script tells, in its order. Expectations see the state after
 * all of it.
 *
 * @param worldOf where journeys and handoffs live
 */
export async function simulate(script: Script, cast: Cast, ports: SimulatorPorts, worldOf = usualWorld): Promise<Simulation> {
  const stage = new Stage(script, cast, ports, worldOf);
  await stage.play();
  return { run: stage.run(), entries: stage.entrance.desk.attempts, wouldEnter: (whom, input) => stage.entrance.wouldEnter(whom, input) };
}

class Stage {
  readonly entrance: Entrance;
  private readonly script: Script;
  private readonly cast: Cast;
  private readonly world: World;
  private readonly commands: Commands;
  private readonly answers: Answered[] = [];
  private readonly seen = new Map<Instant, readonly Standing[]>();

  constructor(script: Script, cast: Cast, ports: SimulatorPorts, worldOf: (setting: Setting) => World) {
    const { people, config, start } = script;
    this.script = script;
    this.cast = configured(cast, config);
    this.entrance = new Entrance(this.cast, config);
    this.world = worldOf({ ports, people, start: start.at, doors: this.entrance });
    this.entrance.attend(this.world);
    this.commands = new Commands(this.world);
  }

  async play(): Promise<void> {
    const { start, events, expect } = this.script;
    const looks = new Set(expect.flatMap(({ at }) => at ?? []));
    const instants = [...new Set([start.at, ...events.map(({ at }) => at), ...looks])].toSorted((one, other) => one - other);
    for (const at of instants) await this.pass(at, looks.has(at));
  }

  private async pass(at: Instant, isLook: boolean): Promise<void> {
    const { world, script } = this;
    const now = script.events.filter((event) => event.at === at);
    await world.passTo(at, { inclusive: false });
    for (const event of now) if (event.kind === 'fail' || event.kind === 'result') world.answers.add(event);
    await world.passTo(at, { inclusive: true });
    if (at === script.start.at) await this.begin();
    for (const event of now) {
      await this.happen(event);
      await world.passTo(at, { inclusive: true });
    }
    if (isLook) this.seen.set(at, world.standings());
  }

  private async begin(): Promise<void> {
    const { at, call } = this.script.start;
    if (call === null) return;
    const code = await this.entrance.call(this.template(), call, this.world.name('start'));
    this.answers.push({ index: null, at, journey: null, expected: null, code });
    await this.world.passTo(at, { inclusive: true });
  }

  private async happen(event: ScriptEvent): Promise<void> {
    const { world, entrance } = this;
    switch (event.kind) {
      case 'fail':
      case 'result':
        return;
      case 'people': {
        world.directory.change(event.people);
        return world.rolesChanged();
      }
      case 'subject':
        return entrance.noteSubject(event.subject);
      case 'event':
        return this.hear(event);
      case 'start': {
        const commandId = event.commandId ?? world.name('start');
        return this.note(event, await entrance.call(this.template(), event, commandId));
      }
      default:
        return isCommand(event) ? this.order(event) : undefined;
    }
  }

  /** A refused entry is told by its own event; only a script that expects it holds it against this one. */
  private async hear(event: EventOf<'event'>): Promise<void> {
    const code = await this.entrance.happen(busEvent(event.event, event.at, this.world.name('event')));
    if (event.refused !== undefined) this.note(event, code);
  }

  private async order(event: Command): Promise<void> {
    if (event.kind === 'operator' && event.scope === 'template') return this.orderAll(event);
    const instance = this.world.instances[event.journey - 1];
    return this.note(event, instance === undefined ? 'journey_not_started' : await this.commands.carryOut(event, instance));
  }

  /** A template with all its instances; of those that refuse, the first code is told. */
  private async orderAll(event: EventOf<'operator'>): Promise<void> {
    const { key } = this.world.instances[event.journey - 1]?.template ?? this.template();
    if (event.verb !== 'cancel') this.entrance.desk.pause(key, event.verb === 'pause');
    const open = this.world.instances.filter((instance) => instance.template.key === key && !instance.isOver());
    const codes: Said[] = [];
    for (const instance of open) codes.push(await this.commands.carryOut(event, instance));
    return this.note(event, codes.find((code) => code !== null) ?? null);
  }

  private note({ index, at, journey, refused }: ScriptEvent, code: string | null): void {
    this.answers.push({ index, at, journey, expected: refused ?? null, code });
    if (code !== null) this.world.note({ at, journey, type: 'refused', data: { code, event: index + 1 } });
  }

  private template(): Cast['templates'][number] {
    const [first] = this.cast.templates;
    if (first === undefined) throw new Error('a cast has at least the template of the script');
    return first;
  }

  run(): Run {
    const { world, script, answers, seen } = this;
    const { trace, events, touchpoints, breaches } = world;
    return {
      startedAt: script.start.at,
      until: script.until,
      trace,
      events,
      answers,
      touchpoints,
      breaches,
      journeys: world.standings(),
      at: (instant) => seen.get(instant) ?? [],
      nextAt: world.nextAt(),
    };
  }
}

/** Templates with what the configuration says where they say nothing. */
function configured({ templates, child }: Cast, config: Config): Cast {
  const known = new Map<string, EntryTemplate>();
  const withConfig = (template: EntryTemplate): EntryTemplate => {
    const made = known.get(template.key) ?? { ...template, compiled: withDefaults(template.compiled, config) };
    known.set(template.key, made);
    return made;
  };
  return {
    templates: templates.map(withConfig),
    child: (key) => {
      const found = child(key);
      return found === null ? null : withConfig(found);
    },
  };
}

function withDefaults(template: CompiledTemplate, { retryAttempts, handoffTimeout }: Config): CompiledTemplate {
  const retry = retryAttempts === undefined ? {} : { retry: { maxAttempts: retryAttempts, ...template.defaults?.retry } };
  const inAll = <One extends StepBody<string, number>>(step: One): One =>
    step.kind === 'handoff' && handoffTimeout !== undefined ? { ...step, timeouts: { total: handoffTimeout, ...step.timeouts } } : step;
  const steps = Object.entries(template.steps).map(([id, step]) => [id, inAll(step)] as const);
  return { ...template, defaults: { ...template.defaults, ...retry }, steps: Object.fromEntries(steps) };
}

/** A number may stand where an id is meant. */
const text = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;

/** An event as the bus would bring it. */
function busEvent(written: JsonObject & { readonly type: string }, at: Instant, name: string): BusEvent {
  const { type, id, source, data } = written;
  const members = ['subject', 'customerId', 'leadId', 'ticketId', 'journeyId'] as const;
  return {
    id: text(id) ?? name,
    type,
    source: text(source) ?? 'script',
    at,
    ...Object.fromEntries(
      members.flatMap((member) => (text(written[member]) === undefined ? [] : [[member, text(written[member])] as const])),
    ),
    data: isObject(data) ? data : {},
  };
}
