/**
 * What a script knows as its own instants and names, and the server as others: its clock only goes forward, and an id it has heard it never forgets.
 * Whole weeks lie between the two clocks, so that times of day and weekdays stay what they are.
 */
import { day, fromIso, second, toIso } from '../domain/time.js';
import type { Instant } from '../domain/time.js';

export const week = 7 * day;

/** What is done a little before its instant is done at it. */
const early = 100;
/** Numbers from here on (2001) are instants. */
const leastInstant = 1_000_000_000_000;
/** A text of the script; for a workflow it is a row of the database. */
const contentForm = /^content-\d/;
const isoForm = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d)?)(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

export class Exchange {
  private readonly offsetMs: number;
  private readonly suffix: string;
  private readonly grainMs: number;
  private readonly journeys = new Set<string>();
  /** Ids of texts, and what they are in turn. */
  private readonly contents = new Map<string, string>();
  private readonly rows = new Map<string, string>();

  /**
   * @param offsetMs the server's clock less the script's: whole weeks
   * @param suffix makes ids of this run unlike those of any other
   * @param grainMs nothing in the script lies nearer together than this; whole seconds that divide a week
   */
  constructor(offsetMs: number, suffix: string, grainMs: number) {
    this.offsetMs = offsetMs;
    this.suffix = suffix;
    this.grainMs = grainMs;
  }

  /** From here on the id is another one for the server. */
  know(journeyId: string): void {
    this.journeys.add(journeyId);
  }

  onServer(at: Instant): Instant {
    return at + this.offsetMs;
  }

  /** The instant of the script that one of the server belongs to: whatever the machine needed to get there. */
  inScript(at: Instant): Instant {
    return Math.floor((at + early) / this.grainMs) * this.grainMs - this.offsetMs;
  }

  toServer<Value>(value: Value): Value {
    const text = (one: string): string => {
      if (contentForm.test(one)) return this.rowOf(one);
      let named = shiftedDate(one, this.offsetMs);
      for (const id of this.journeys) named = named.replaceAll(id, `${id}${this.suffix}`);
      return named;
    };
    return mapped(value, text, (at) => this.onServer(at));
  }

  toScript<Value>(value: Value): Value {
    const text = (one: string): string => {
      const known = this.contents.get(one) ?? one.replaceAll(this.suffix, '');
      const [, , , fraction] = isoForm.exec(known) ?? [];
      const whole = fraction === undefined ? shiftedDate(known, -this.offsetMs) : toIso(this.inScript(fromIso(known)));
      return whole;
    };
    const duration = (ms: number): number => Math.round(ms / this.grainMs) * this.grainMs;
    return mapped(value, text, (at) => this.inScript(at), duration);
  }

  private rowOf(content: string): string {
    const row = this.rows.get(content) ?? `00000000-0000-4000-8000-${String(this.rows.size + 1).padStart(12, '0')}`;
    this.rows.set(content, row);
    this.contents.set(row, content);
    return row;
  }
}

/** The same time of day so much later; what is no instant stays as it is. */
function shiftedDate(text: string, byMs: number): string {
  const [, date, time, fraction = '', zone] = isoForm.exec(text) ?? [];
  if (date === undefined || time === undefined || zone === undefined) return text;
  return `${toIso(fromIso(`${date}T00:00:00Z`) + byMs).slice(0, date.length)}${time}${fraction}${zone}`;
}

/** Plain JSON with every text and every instant replaced, names of members too; durations are members called so. */
function mapped<Value>(
  value: Value,
  text: (one: string) => string,
  instant: (at: Instant) => Instant,
  duration: (ms: number) => number = (ms) => ms,
): Value {
  const map = (one: unknown, name = ''): unknown => {
    if (typeof one === 'string') return text(one);
    if (typeof one === 'number') {
      if (Number.isInteger(one) && one >= leastInstant) return instant(one);
      return name.endsWith('Ms') && one >= second ? duration(one) : one;
    }
    if (Array.isArray(one)) return one.map((member) => map(member, name));
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(
      Object.entries(one).flatMap(([key, member]) => (member === undefined ? [] : [[text(key), map(member, key)]])),
    );
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its form stays the same
  return map(value) as Value;
}
