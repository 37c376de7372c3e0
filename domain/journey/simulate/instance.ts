/** One journey of a run on the virtual clock: its state by the rules. */
import type { Refused } from '../../decision.js';
import type { Instant } from '../../time.js';
import type { EntryTemplate } from '../entry/enter.js';
import type { JourneyCode, JourneyCommand } from '../run/command.js';
import type { Report } from '../run/effect.js';
import type { Doer } from '../run/event.js';
import type { JourneyView } from '../run/record.js';
import { begin, command, gatesOf, nextDue, report, view, visitsOf, wake } from '../run/reduce.js';
import type { JourneyState, Reaction } from '../run/reduce.js';
import type { JourneyStart } from '../run/state.js';
import { Performer } from './performer.js';

export class Instance extends Performer {
  private state: JourneyState;

  private constructor(number: number, template: EntryTemplate, start: JourneyStart, state: JourneyState) {
    super(number, template, start);
    this.state = state;
  }

  static begin(
    { number, template, start }: Pick<Instance, 'number' | 'template' | 'start'>,
    doer: Doer,
    now: Instant,
  ): { readonly instance: Instance; readonly reaction: Reaction } {
    const reaction = begin(template.compiled, start, doer, now);
    const instance = new Instance(number, template, start, reaction.state);
    return { instance, reaction: instance.take(reaction) };
  }

  command(order: JourneyCommand, now: Instant): Reaction | Refused<JourneyCode> {
    const answer = command(this.template.compiled, this.state, order, now);
    return answer.ok ? this.take(answer) : answer;
  }

  report(said: Report, now: Instant): Reaction {
    return this.take(report(this.template.compiled, this.state, said, now));
  }

  wake(now: Instant): Reaction {
    return this.take(wake(this.template.compiled, this.state, now));
  }

  nextDue(): Instant | null {
    return nextDue(this.template.compiled, this.state)?.at ?? null;
  }

  override view(): JourneyView {
    return view(this.template.compiled, this.state);
  }

  override isOver(): boolean {
    return this.state.end !== null;
  }

  private take(reaction: Reaction): Reaction {
    this.state = reaction.state;
    const { compiled } = this.template;
    this.keep([...reaction.visits, ...visitsOf(compiled, reaction.state)], [...reaction.gates, ...gatesOf(reaction.state)]);
    return reaction;
  }
}
