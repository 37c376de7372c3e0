/** How the packages misbehave on demand. Source: reliability.md, section 6. */
import { z } from 'zod';

/**
 * What to do with the next calls of a path; without any of them the rule for that path ends.
 *
 * - `status`: answered with it, nothing done; `code` goes into the answer.
 * - `delayMs`: everything else happens that much later.
 * - `hang`: no answer at all, before or after the work is done; `after` is what else is called execute_then_timeout.
 * - `drop`: the connection breaks without an answer, before or after the work is done.
 * - `answer`: done, and answered with a page (`html`), with more than anybody reads (`huge`) or with fields nobody expects (`strange`).
 */
export const BehaviourRule = z.strictObject({
  /** Beginning of a path, such as `/crm/leads`; `/` is every path. */
  path: z.string().startsWith('/'),
  status: z.exactOptional(z.int().min(300).max(599)),
  code: z.exactOptional(z.string().min(1).max(100)),
  delayMs: z.exactOptional(z.int().min(0).max(600_000)),
  hang: z.exactOptional(z.enum(['before', 'after'])),
  drop: z.exactOptional(z.enum(['before', 'after'])),
  answer: z.exactOptional(z.enum(['html', 'huge', 'strange'])),
  /** How often it applies; without it until another rule for the path. */
  times: z.exactOptional(z.int().min(1)),
});
export type BehaviourRule = z.output<typeof BehaviourRule>;

/** The rules in force. */
export class Behaviour {
  #rules: (BehaviourRule & { hits: number })[] = [];

  /** Replaces the rule for the same path. */
  set(rule: BehaviourRule): void {
    this.#rules = this.#rules.filter(({ path }) => path !== rule.path);
    const { path: _path, times: _times, ...faults } = rule;
    if (Object.keys(faults).length > 0) this.#rules.push({ ...rule, hits: 0 });
  }

  clear(): void {
    this.#rules = [];
  }

  list(): readonly (BehaviourRule & { hits: number })[] {
    return this.#rules;
  }

  /** The first rule for a path that is not used up. Counts as a hit. */
  take(path: string): Partial<BehaviourRule> {
    const rule = this.#rules.find((one) => path.startsWith(one.path) && (one.times === undefined || one.hits < one.times));
    if (rule === undefined) return {};
    rule.hits += 1;
    return rule;
  }
}
