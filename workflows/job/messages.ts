/** What can be said to any job, whatever it works on. The wire format: fields are only added, never renamed. */
import type { Actor } from '../../domain/actor.js';

export const controls = ['pause', 'resume', 'cancel'] as const;
export type Control = (typeof controls)[number];

export interface ByWhom {
  readonly actor: Actor;
}
