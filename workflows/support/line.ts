/**
 * Local activities of one workflow, one after the other.
 *
 * Two that run at once come back one by one while the workflow lives, and both together when its history is replayed: whatever followed from the
 * first would then be done in another order.
 */
export class Line {
  private last: Promise<void> = Promise.resolve();

  async run<T>(work: () => Promise<T>): Promise<T> {
    const before = this.last;
    let leave = nothing;
    this.last = new Promise((resolve) => {
      leave = resolve;
    });
    try {
      await before;
      return await work();
    } finally {
      leave();
    }
  }
}

const nothing = (): void => undefined;
