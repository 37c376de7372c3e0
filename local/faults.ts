/** Part of every rule by which a stand-in server misbehaves. */
export interface Fault {
  readonly mode: string;
  /** Part of a recipient's address; without it every message is meant. */
  readonly match?: string;
  /** How often it applies; without it until cleared. */
  readonly times?: number;
}

/** The faults in force. */
export class Faults<Rule extends Fault> {
  #rules: (Rule & { hits: number })[] = [];
  #waiting: (() => void)[] = [];

  /** Replaces the rule for the same `match`; mode `ok` removes it, and without `match` removes all. */
  set(rule: Rule): void {
    this.#rules = rule.mode === 'ok' && rule.match === undefined ? [] : this.#rules.filter(({ match }) => match !== rule.match);
    if (rule.mode !== 'ok') this.#rules.push({ ...rule, hits: 0 });
    for (const wake of this.#waiting.splice(0)) wake();
  }

  list(): readonly (Rule & { hits: number })[] {
    return this.#rules;
  }

  /** Resolves when the rules change. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The first rule that suits and applies to one of the recipients. Counts as a hit. */
  take(recipients: readonly string[], suits: (mode: Rule['mode']) => boolean): Rule | undefined {
    const applies = (rule: Rule & { hits: number }): boolean => {
      const { match, mode, times, hits } = rule;
      if (!suits(mode) || (times !== undefined && hits >= times)) return false;
      return match === undefined || recipients.some((recipient) => recipient.toLowerCase().includes(match.toLowerCase()));
    };
    const rule = this.#rules.find(applies);
    if (rule !== undefined) rule.hits += 1;
    return rule;
  }
}
