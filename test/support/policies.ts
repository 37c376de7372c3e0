/** A valid policy and rung that a test changes in the one thing it is about. */
import type { Policy, Rung } from '../../domain/sla/policy.js';

export const aRung = (changes: Partial<Rung> = {}): Rung => ({
  id: 'half',
  clock: 'resolution',
  when: { percent: 50 },
  actions: [{ notify: { to: ['assignee'], channel: 'email' } }],
  ...changes,
});

/** Matches every ticket; eight hours to resolve, around the clock. */
export const aPolicy = (changes: Partial<Policy> = {}): Policy => ({
  id: 'standard',
  name: 'Standard',
  match: [],
  calendar: { use: 'policy', id: '24x7' },
  targets: { resolution: { low: 28_800, medium: 28_800, high: 28_800, urgent: 28_800 } },
  pause: 'default',
  pauseOnApproval: [],
  reopen: 'resume',
  counts: { bot: false, call: false, firstInNext: false },
  rungs: [],
  ...changes,
});
