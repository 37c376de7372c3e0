/** Command ids remembered across runs; the server forgets its own at continue-as-new. */
const remembered = 200;

/** What handled commands led to, by their id: the same id again gets the first answer. */
export class Handled<Done> {
  private readonly done: Map<string, Done>;

  constructor(carried: readonly (readonly [commandId: string, done: Done])[] = []) {
    this.done = new Map(carried);
  }

  has(commandId: string): boolean {
    return this.done.has(commandId);
  }

  get(commandId: string): Done | undefined {
    return this.done.get(commandId);
  }

  set(commandId: string, done: Done): void {
    this.done.set(commandId, done);
    for (const oldest of this.done.keys()) {
      if (this.done.size <= remembered) break;
      this.done.delete(oldest);
    }
  }

  /** Oldest first. */
  entries(): (readonly [commandId: string, done: Done])[] {
    return [...this.done];
  }
}
