/** One handoff of a run: its machine, and everything that was ever seen of it. */
import { command } from '../../handoff/verbs.js';
import type { HandoffCommand, HandoffWord } from '../../handoff/command.js';
import type { HandoffAnswer, HandoffLedger, HandoffStep } from '../../handoff/ledger.js';
import { handoffIdOf, view } from '../../handoff/ledger.js';
import { nextDue, open, report, tell, wake } from '../../handoff/machine.js';
import type { Instant } from '../../time.js';
import type { HandoffStart, Report } from '../run/effect.js';
import type { HandoffView } from '../run/record.js';
import type { Instance } from './instance.js';
import type { Standing } from './run.js';

export class HandoffRun {
  readonly instance: Instance;
  readonly start: HandoffStart;
  private ledger: HandoffLedger;

  private constructor(instance: Instance, start: HandoffStart, ledger: HandoffLedger) {
    this.instance = instance;
    this.start = start;
    this.ledger = ledger;
  }

  static open(instance: Instance, start: HandoffStart, now: Instant): { readonly handoff: HandoffRun; readonly step: HandoffStep } {
    const step = open(start, now);
    return { handoff: new HandoffRun(instance, start, step.state), step };
  }

  get id(): string {
    return handoffIdOf(this.start);
  }

  tell(word: HandoffWord, now: Instant): HandoffStep {
    return this.take(tell(this.ledger, word, now));
  }

  report(answer: Report, now: Instant): HandoffStep {
    return this.take(report(this.ledger, answer, now));
  }

  wake(now: Instant): HandoffStep {
    return this.take(wake(this.ledger, now));
  }

  command(order: HandoffCommand, now: Instant): HandoffAnswer {
    const answer = command(this.ledger, order, now);
    return answer.ok ? this.take(answer) : answer;
  }

  nextDue(): Instant | null {
    return nextDue(this.ledger);
  }

  view(): HandoffView {
    return view(this.ledger);
  }

  gates(): Standing['gates'] {
    const { gate } = this.ledger;
    const { step, visit } = this.start;
    return gate === null ? [] : [{ step, visit, gate }];
  }

  private take(step: HandoffStep): HandoffStep {
    this.ledger = step.state;
    return step;
  }
}
