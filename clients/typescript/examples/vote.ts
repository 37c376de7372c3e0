/** Says yes to everything that waits for this caller's vote. */
import { done } from '../usher.js';
import type { Usher } from '../usher.js';

export async function approveWhatWaits(usher: Usher): Promise<string[]> {
  const { data } = await done(usher.GET('/v1/approvals', { params: { query: { mine: true, state: ['open'] } } }));
  for (const { id } of data) {
    const params = { path: { approvalId: id } };
    await done(usher.POST('/v1/approvals/{approvalId}/votes', { params, body: { decision: 'approve', comment: 'As agreed' } }));
  }
  return data.map(({ id }) => id);
}
