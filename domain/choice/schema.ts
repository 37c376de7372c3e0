/** Values of several shapes, told apart by what they hold: for files that people write by hand. */
import { z } from 'zod';

/**
 * A schema that depends on the value: the faults of the one chosen are told, where a union could only say that nothing fitted.
 *
 * @param choose the schema for a value, or why there is none: a rule, and the part of the value that breaks it
 */
export const chosen = <Output>(choose: (value: unknown) => z.ZodType<Output> | Unfit) =>
  z.unknown().transform((value, context): Output => {
    const choice = choose(value);
    if (!(choice instanceof z.ZodType)) {
      context.issues.push({ code: 'custom', input: value, message: choice.rule, path: [...(choice.path ?? [])] });
      return z.NEVER;
    }
    const parsed = choice.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const { path, rule } of parsed.error.issues.flatMap(brokenRules)) {
      context.issues.push({ code: 'custom', input: value, message: rule, path: [...path] });
    }
    return z.NEVER;
  });

/** What an issue says, field by field. */
export function brokenRules(issue: z.core.$ZodIssue): { readonly path: readonly PropertyKey[]; readonly rule: string }[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path: [...issue.path, key], rule: 'is not a field here' }));
  const [first] = issue.code === 'invalid_key' ? issue.issues : [];
  return [{ path: issue.path, rule: first?.message ?? issue.message }];
}

export interface Unfit {
  readonly rule: string;
  readonly path?: readonly PropertyKey[];
}
