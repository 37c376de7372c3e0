import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import type { DeliveryRequest, DeliveryResult } from '../../activities/contract.js';
import { deliver, giveUp } from '../proxies.js';

/**
 * Delivers one planned message, however long the mail server takes; what cannot be delivered in its time is settled as such.
 *
 * @returns what became of its recipients
 */
export async function deliverMessage(request: DeliveryRequest, outboundQueue: string): Promise<DeliveryResult> {
  const what = `${kindOf(request.message)} · ${request.ticketId}`;
  try {
    return await deliver(outboundQueue, what)(request);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return await giveUp(`give up ${what}`)(request);
  }
}

function kindOf(message: string): string {
  if (message.startsWith('notice/')) return message.replace('/', ' ');
  return message === 'acknowledgement' || message.startsWith('resolved.') ? `mail ${message}` : 'mail reply';
}
