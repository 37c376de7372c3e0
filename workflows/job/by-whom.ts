import { actorPattern } from '../../domain/actor.js';
import { refusal } from '../support/refusal.js';
import type { ByWhom } from './messages.js';

/** Operators type by hand: anything else than who it is, and that alone, is refused. */
export function checkByWhom(args: ByWhom): void {
  const given: unknown = args;
  const named = typeof given === 'object' && given !== null && 'actor' in given ? given.actor : undefined;
  const isAlone = typeof given === 'object' && given !== null && Object.keys(given).length === 1;
  if (isAlone && typeof named === 'string' && actorPattern.test(named)) return;
  throw refusal('invalid_request', { errors: ['actor must be user/<id>, key/<id> or system/<name>, and nothing else'] });
}
