/** Where the workflows of batches would be: what one is told becomes the row, at once. */
import type { BatchControl, BulkEngine } from '../../api/bulk/engine.js';
import { CommandLost } from '../../api/commands.js';
import { withTenant } from '../../db/client.js';
import type { Db } from '../../db/client.js';
import { endBatch, markBatch } from '../../db/queries/bulk.js';
import type { TenantId } from '../../domain/ids.js';

export class BatchesInMemory implements BulkEngine {
  /** Ids of batches that were started. */
  readonly started: string[] = [];
  readonly controlled: BatchControl[] = [];
  trouble: CommandLost['kind'] | null = null;
  private readonly db: Db;

  constructor(db: Db) {
    this.db = db;
  }

  async start(_tenant: TenantId, batch: string): Promise<void> {
    if (this.trouble !== null) throw new CommandLost(this.trouble);
    this.started.push(batch);
  }

  async control(request: BatchControl): Promise<void> {
    if (this.trouble !== null) throw new CommandLost(this.trouble);
    this.controlled.push(request);
    const { tenant, batch, control } = request;
    const state = ({ pause: 'paused', resume: 'running', cancel: 'cancelled' } as const)[control];
    await withTenant(this.db, tenant, async (tx) => {
      await markBatch(tx, tenant, batch, state);
      if (state === 'cancelled') await endBatch(tx, tenant, batch);
    });
  }
}
