/** The engine of erasures: it only remembers what it was told. */
import { CommandLost } from '../../api/commands.js';
import type { ErasureEngine } from '../../api/erasures/engine.js';

export class ErasuresInMemory implements ErasureEngine {
  readonly started: Parameters<ErasureEngine['start']>[0][] = [];
  trouble: CommandLost['kind'] | null = null;

  start(erasure: Parameters<ErasureEngine['start']>[0]): Promise<void> {
    if (this.trouble !== null) return Promise.reject(new CommandLost(this.trouble));
    this.started.push(erasure);
    return Promise.resolve();
  }
}
