/** A batch of notices to staff, from many tickets of one tenant: brought to everybody they are for, however long the mail server takes. */
import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import type { DeliveryResult } from '../../activities/contract.js';
import { deliverNotices, giveUpNotices } from '../proxies.js';
import type { NoticesStart } from './start.js';

/**
 * One activity for all of them, so that a notice costs no state transition of its own when many deadlines fall together.
 *
 * @returns what became of their recipients
 */
export async function noticesWorkflow({ outboundQueue, ...batch }: NoticesStart): Promise<DeliveryResult> {
  try {
    return await deliverNotices(outboundQueue)(batch);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return await giveUpNotices(batch);
  }
}
