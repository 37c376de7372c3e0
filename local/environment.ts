/**
 * The environment this process was started with: what its children inherit, and where the user's folders are. Settings of Usher are read
 * by `config.ts`, not from here.
 */
export const inherited: Readonly<Record<string, string | undefined>> = process.env;

/** The inherited environment without variables that begin with one of these prefixes, plus `extra`. */
export function environmentWithout(prefixes: readonly string[], extra: Record<string, string> = {}): Record<string, string> {
  const kept = Object.entries(inherited).flatMap(([name, value]) =>
    value === undefined || prefixes.some((prefix) => name.startsWith(prefix)) ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(kept), ...extra };
}
