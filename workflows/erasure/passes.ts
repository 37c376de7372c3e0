/** Where an erasure is: through all stages, and again until a pass finds nothing left. */
import type { ErasurePage } from '../../activities/contract.js';
import { erasureStages } from '../../domain/privacy/erasure.js';
import type { ErasureStage } from '../../domain/privacy/erasure.js';

/** What a run hands to the next one. A change of its form raises `schema`. */
export interface PassesCarry {
  readonly schema: 1;
  readonly pass: number;
  readonly stage: ErasureStage;
  /** The last id of the page before; null: from the first on. */
  readonly after: string | null;
  /** In this pass. */
  readonly found: number;
  /** In all of them. */
  readonly changed: number;
}

/** What other systems go on sending about a person would never let it end. */
const most = 10;

const [first] = erasureStages;
const fresh: PassesCarry = { schema: 1, pass: 1, stage: first, after: null, found: 0, changed: 0 };

export class Passes {
  private carried: PassesCarry;

  constructor(carried: PassesCarry = fresh) {
    this.carried = carried;
  }

  get pass(): number {
    return this.carried.pass;
  }

  get stage(): ErasureStage {
    return this.carried.stage;
  }

  get after(): string | null {
    return this.carried.after;
  }

  get changed(): number {
    return this.carried.changed;
  }

  /** Goes on behind a page. @returns whether the pass has ended */
  turn({ last, isLast, changed }: ErasurePage): boolean {
    const { stage } = this.carried;
    const counted = { ...this.carried, found: this.carried.found + changed, changed: this.carried.changed + changed };
    const next = isLast ? erasureStages[erasureStages.indexOf(stage) + 1] : stage;
    this.carried = { ...counted, after: isLast ? null : last, stage: next ?? stage };
    return next === undefined;
  }

  /** At the end of a pass: whether another one has to look. The first could not see what was on its way. */
  again(): boolean {
    const { found, pass } = this.carried;
    if (pass >= most || (found === 0 && pass > 1)) return false;
    this.carried = { ...this.carried, pass: pass + 1, stage: first, after: null, found: 0 };
    return true;
  }

  carry(): PassesCarry {
    return this.carried;
  }
}
