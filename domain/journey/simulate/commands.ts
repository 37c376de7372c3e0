/** What people and operators of a script do, as the commands the API would send. */
import type { HandoffCommand, HandoffCommandFields, HandoffEnvelope } from '../../handoff/command.js';
import type { JourneyCommand, JourneyCommandFields, JourneyEnvelope } from '../run/command.js';
import { own } from '../json.js';
import type { JsonObject } from '../json.js';
import type { JsonSchema } from '../json-schema.js';
import type { Step } from '../step.js';
import type { PerformedHandoff, Performer } from './performer.js';
import type { EventOf, ScriptEvent } from './script.js';
import type { Said, World } from './world.js';

/** Verbs of people and operators; the rest of a script happens to the world. */
export type Command =
  | EventOf<'complete'>
  | EventOf<'vote'>
  | EventOf<'delegate'>
  | EventOf<'handoff'>
  | EventOf<'operator'>
  | EventOf<'context'>
  | EventOf<'advance'>;

const commandKinds: readonly ScriptEvent['kind'][] = ['complete', 'vote', 'delegate', 'handoff', 'operator', 'context', 'advance'];
export const isCommand = (event: ScriptEvent): event is Command => commandKinds.includes(event.kind);

export class Commands {
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  /** A command id that was heard before gets the first answer, and changes nothing. */
  async carryOut(command: Command, instance: Performer): Promise<Said> {
    const { commandId } = command;
    const before = commandId === undefined ? undefined : instance.answered.get(commandId);
    if (before !== undefined) return before;
    const said = await this.send(command, instance);
    if (commandId !== undefined) instance.answered.set(commandId, said);
    return said;
  }

  private send(command: Command, instance: Performer): Promise<Said> {
    switch (command.kind) {
      case 'complete': {
        const { step, outcome, item, output } = command;
        const person = this.worker(instance, step, command.by, item);
        return this.order(instance, 'advance', command, person, {
          expectStep: step,
          ...given({ outcome, item }),
          ...(output === undefined ? {} : { output: this.formed(instance, step, output) }),
        });
      }
      case 'advance': {
        const { outcome, expectStep, output, by } = command;
        return this.order(instance, 'advance', command, this.person(by ?? 'somebody'), {
          ...given({ outcome, expectStep }),
          ...(output === undefined ? {} : { output: this.formed(instance, expectStep ?? instance.view().currentStep ?? '', output) }),
        });
      }
      case 'context': {
        const { context = {} } = instance.template.compiled;
        const properties = Object.fromEntries(Object.entries(context).map(([name, { schema }]) => [name, schema]));
        const patch = this.world.contents.without(command.patch, { type: 'object', properties }, personalOf(instance));
        return this.order(instance, 'updateContext', command, this.person(command.by ?? 'somebody'), { patch });
      }
      case 'vote':
        return this.vote(command, instance);
      case 'delegate':
        return this.delegate(command, instance);
      case 'handoff':
        return this.handle(command, instance);
      case 'operator':
        return this.repair(command, instance);
    }
  }

  private vote(command: EventOf<'vote'>, instance: Performer): Promise<Said> {
    const { step, item, decision, onBehalfOf, comment } = command;
    const fields = { decision, ...given({ onBehalfOf }), ...(comment === undefined ? {} : { comment: this.world.contents.keep(comment) }) };
    const person = this.person(command.by);
    if (!isHandoff(instance, step)) return this.order(instance, 'vote', command, person, { step, ...given({ item }), ...fields });
    return this.orderHandoff(instance, step, 'vote', command, person, fields);
  }

  private delegate(command: EventOf<'delegate'>, instance: Performer): Promise<Said> {
    const { step, to } = command;
    const fields = { to, toRoles: this.world.directory.rolesOf(to) };
    const person = this.person(command.by);
    if (!isHandoff(instance, step)) return this.order(instance, 'delegate', command, person, { step, ...fields });
    return this.orderHandoff(instance, step, 'delegate', command, person, fields);
  }

  /** Somebody of the receiving package, unless the script says who. */
  private handle(command: EventOf<'handoff'>, instance: Performer): Promise<Said> {
    const { step, do: verb, reason, outcome, output, by } = command;
    const { people = [], roles = [] } = this.newestHandoff(instance, step)?.view() ?? {};
    const person = by === undefined ? this.oneOf(people, roles) : this.person(by);
    // At an open gate a refusal is a vote, which needs a comment.
    const comment = verb === 'reject' ? { comment: this.world.contents.keep(reason ?? '') } : {};
    return this.orderHandoff(instance, step, verb, command, person, {
      ...given({ reason, outcome }),
      ...comment,
      ...(output === undefined ? {} : { output: this.world.contents.without(output, {}, personalOf(instance)) }),
    });
  }

  private repair(command: EventOf<'operator'>, instance: Performer): Promise<Said> {
    const { verb, step, item, to, outcome, output, context, input, deadlines } = command;
    const person = { id: command.by ?? 'operator', roles: [] };
    const at = { step: step ?? instance.parked()?.step ?? '', ...given({ item }) };
    switch (verb) {
      case 'retry':
        return this.order(instance, 'retry', command, person, { ...at, ...given({ input }) });
      case 'skip':
        return this.order(instance, 'skip', command, person, at);
      case 'complete_with': {
        const formed = output === undefined ? {} : { output: this.formed(instance, at.step, output) };
        return this.order(instance, 'completeWith', command, person, { ...at, outcome: outcome ?? '', ...formed });
      }
      case 'goto':
        return this.order(instance, 'goto', command, person, { ...at, to: to ?? '', ...given({ context }) });
      case 'compensate_and_end':
        return this.order(instance, 'compensateAndEnd', command, person, {});
      case 'pause':
        return this.order(instance, 'pause', command, person, given({ deadlines }));
      case 'resume':
        return this.order(instance, 'resume', command, person, given({ deadlines }));
      case 'cancel':
        return this.order(instance, 'cancel', command, person, {});
    }
  }

  private order<Verb extends keyof JourneyCommandFields>(
    instance: Performer,
    kind: Verb,
    command: Command,
    person: Person,
    fields: JourneyCommandFields[Verb],
  ): Promise<Said> {
    const reason = this.world.contents.keep(command.kind === 'operator' ? (command.reason ?? 'as the script says') : '');
    const envelope: JourneyEnvelope = { ...this.envelope(command, person), reason };
    // One verb with its own fields is a command; the compiler cannot follow a verb that is a variable.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const order = { ...envelope, kind, ...fields } as unknown as JourneyCommand;
    return this.world.order(instance, order);
  }

  private orderHandoff<Verb extends keyof HandoffCommandFields>(
    instance: Performer,
    step: string,
    kind: Verb,
    command: Command,
    person: Person,
    fields: HandoffCommandFields[Verb],
  ): Promise<Said> {
    const handoff = this.newestHandoff(instance, step);
    if (handoff === undefined) return Promise.resolve('step_not_open');
    const envelope: HandoffEnvelope = this.envelope(command, person);
    // As above.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const order = { ...envelope, kind, ...(fields as object) } as unknown as HandoffCommand;
    return this.world.orderHandoff(handoff, order);
  }

  private envelope(command: Command, { id, roles }: Person): JourneyEnvelope {
    const { commandId = this.world.name('command') } = command;
    // Where the script does not say who it is, it is somebody who may.
    const role = command.kind === 'operator' || command.by === undefined ? 'admin' : 'agent';
    return { commandId, actor: `user/${id}`, role, source: 'api', roles, receivedAt: this.world.now };
  }

  private newestHandoff(instance: Performer, step: string): PerformedHandoff | undefined {
    const all = Array.from(this.world.handoffs.values()).filter((one) => one.instance === instance && one.view().step === step);
    return all.toSorted((one, other) => other.view().visit - one.view().visit)[0];
  }

  private person(id: string): Person {
    return { id, roles: this.world.directory.rolesOf(id) };
  }

  /** The person named, else one whom the step allows. */
  private worker(instance: Performer, step: string, by: string | undefined, item?: string): Person {
    if (by !== undefined) return this.person(by);
    const task = instance.visit(step, item)?.task;
    if (task?.assignee != null) return this.person(task.assignee);
    return this.oneOf(task?.people ?? [], task?.roles ?? []);
  }

  /** Somebody who is named or holds one of the roles; where the directory knows nobody, somebody who does. */
  private oneOf(people: readonly string[], roles: readonly string[]): Person {
    return this.world.directory.find(people, roles)[0] ?? { id: 'somebody', roles };
  }

  private formed(instance: Performer, step: string, output: JsonObject): JsonObject {
    return this.world.contents.without(output, formOf(own(instance.template.compiled.steps, step)), personalOf(instance));
  }
}

interface Person {
  readonly id: string;
  readonly roles: readonly string[];
}

function formOf(step: Step<string, number> | undefined): JsonSchema {
  const body = step?.kind === 'forEach' ? step.do : step;
  return body?.kind === 'manual' ? (body.form ?? {}) : {};
}

function isHandoff({ template }: Performer, id: string): boolean {
  const step = own(template.compiled.steps, id);
  return step?.kind === 'handoff' || (step?.kind === 'forEach' && step.do.kind === 'handoff');
}

/** Names of variables whose values are personal. */
const personalOf = ({ template }: Performer): string[] =>
  Object.entries(template.compiled.context ?? {}).flatMap(([name, { pii = false }]) => (pii ? [name] : []));

type Given<Fields> = { readonly [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };

/** Members that are there. */
const given = <Fields extends object>(fields: Fields): Given<Fields> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<Fields>;
