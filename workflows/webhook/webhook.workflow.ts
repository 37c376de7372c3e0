/** One event on its way to one endpoint, from its turn until it has arrived or will not any more. */
import { attemptWebhook, tellOwner } from '../proxies.js';
import type { WebhookStart } from './start.js';

/**
 * All attempts are those of one activity: the server keeps the time between them, as the answer of each says, and shows an operator the last
 * failure and the next attempt. So ten attempts in three days cost as many events in the history as one.
 */
export async function webhookWorkflow({ outboundQueue, ...which }: WebhookStart): Promise<string> {
  const { state, disabled } = await attemptWebhook(outboundQueue, which.type)(which);
  if (disabled) await tellOwner(outboundQueue)(which);
  return state;
}
