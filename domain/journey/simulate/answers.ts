/** How attempts of steps come out: as the script says, else at once and well. Source: scripts.md, section 1. */
import type { Instant } from '../../time.js';
import type { JsonObject } from '../json.js';
import type { EventOf } from './script.js';

type Scripted = EventOf<'fail'> | EventOf<'result'>;

export interface Answer {
  readonly takesMs: number;
  /** Null: it succeeds. */
  readonly error: string | null;
  /** Null: nobody says what it brings. */
  readonly output: JsonObject | null;
}

const atOnce: Answer = { takesMs: 0, error: null, output: null };

/** The error of an attempt that never answers. */
export const neverAnswers = 'timeout';

export class Answers {
  private readonly scripted: { readonly journey: number; readonly said: Scripted; left: number }[] = [];

  add(said: Scripted): void {
    this.scripted.push({ journey: said.journey, said, left: said.times });
  }

  /** The answer to an attempt that begins now; it is used up. */
  take(journey: number, step: string, item: string | null, now: Instant): Answer {
    const found = this.scripted.find(
      ({ said, left, journey: of }) =>
        of === journey && said.step === step && left > 0 && said.at <= now && (said.item === undefined || said.item === item),
    );
    if (found === undefined) return atOnce;
    found.left -= 1;
    const { said } = found;
    const { takesMs } = said;
    return said.kind === 'fail' ? { takesMs, error: said.error, output: null } : { takesMs, error: null, output: said.result };
  }
}
