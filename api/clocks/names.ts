/** How a clock is named: `resolution#1` inside, `resolution.1` in addresses and answers, where a `#` would end the address. */

const written = /^[a-z_]{1,30}[.#][1-9][0-9]{0,5}$/;

/** The clock a caller named; null when that is no name of a clock. */
export const clockOf = (text: string): string | null => (written.test(text) ? text.replace('.', '#') : null);

export const clockName = (clock: string): string => clock.replace('#', '.');
