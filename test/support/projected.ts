import { expect } from 'vitest';

/** What PostgreSQL is to have before it is read: a busy machine projects after it has answered. */
export class Told {
  private version = 0;

  /** @returns the answer, as it is */
  answer<Answer extends { readonly version: number }>(answer: Answer): Answer {
    this.version = Math.max(this.version, answer.version);
    return answer;
  }

  /** Waits until all that was answered is there. */
  async isThere(stored: () => Promise<{ readonly version: number } | undefined>): Promise<void> {
    if (this.version === 0) return;
    await expect.poll(async () => (await stored())?.version, { timeout: 120_000, interval: 20 }).toBeGreaterThanOrEqual(this.version);
  }
}
