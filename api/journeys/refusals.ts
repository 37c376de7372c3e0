/** What the rules of journeys and handoffs refuse, as problems. */
import { Refusal, refusalOf } from '../errors.js';
import type { Members } from '../../domain/decision.js';

/**
 * The refusal behind a code. Places at fault come as `paths`, each a JSON pointer with the rule it breaks behind it, and become `errors`.
 *
 * @param base where in the body the value stands that the places lie in
 */
export function journeyRefusal(code: string, { paths, ...members }: Members, base = ''): Refusal {
  const { version } = members;
  const told = code === 'version_mismatch' && version !== undefined ? { current: version } : members;
  const refusal = refusalOf(code, told);
  if (!Array.isArray(paths)) return refusal;
  const errors = paths.map((text: string) => {
    const [, place = '', rule = ''] = /^(\S*)\s*(.*)$/s.exec(text) ?? [];
    return { pointer: base + place, code, message: rule === '' ? 'is not allowed here' : rule };
  });
  return new Refusal(refusal.code, { ...refusal.details, errors });
}
