/** The recurrence rules that schedules can be made of. Source: scripts.md, section 3. */

const number = (least: number, most: number) => (text: string) => /^\d{1,5}$/.test(text) && Number(text) >= least && Number(text) <= most;
const listOf = (fits: (text: string) => boolean) => (text: string) => text.split(',').every(fits);

const parts: Readonly<Record<string, (text: string) => boolean>> = {
  FREQ: (text) => ['MINUTELY', 'HOURLY', 'DAILY', 'WEEKLY'].includes(text),
  INTERVAL: number(1, 10_000),
  BYDAY: listOf((text) => ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'].includes(text)),
  BYHOUR: listOf(number(0, 23)),
  BYMINUTE: listOf(number(0, 59)),
};

/** Why a rule such as `FREQ=WEEKLY;BYDAY=MO;BYHOUR=9` cannot become a schedule; null: it can. */
export function rruleFault(rule: string): string | null {
  const seen = new Set<string>();
  for (const part of rule.replace(/^RRULE:/, '').split(';')) {
    const [name = '', value, ...more] = part.split('=');
    const fits = Object.hasOwn(parts, name) ? parts[name] : undefined;
    if (fits === undefined) return `\`${name}\` is not supported; use ${Object.keys(parts).join(', ')}`;
    if (seen.has(name)) return `\`${name}\` is given twice`;
    if (value === undefined || more.length > 0 || !fits(value)) return `\`${part}\` has no usable value`;
    seen.add(name);
  }
  return seen.has('FREQ') ? null : '`FREQ` is missing';
}
