/** Where what a command says goes to. */
export interface Output {
  /** Standard output, line by line. */
  readonly print: (text: string) => void;
  /** Standard error. */
  readonly complain: (text: string) => void;
}

/** 0: as it should be · 1: something is wrong with what was looked at · 2: it could not be looked at. */
export type ExitCode = 0 | 1 | 2;

export const jsonText = (value: unknown): string => JSON.stringify(value, null, 2);

/** `1 error`, `2 errors`. */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
