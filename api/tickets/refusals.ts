/** Refusals that several verbs share. */
import { Refusal } from '../errors.js';

/** @param pointer where in the body stands what names nothing */
export const unknownReference = (pointer: string): Refusal => new Refusal('unknown_reference', { members: { pointer } });

export const invalid = (pointer: string, message: string): Refusal =>
  new Refusal('invalid_request', { errors: [{ pointer, code: 'invalid', message }] });

/** @throws Refusal `unknown_reference`; a product without categories takes any */
export function checkCategory(known: readonly string[], category: string | null): void {
  if (category !== null && known.length > 0 && !known.includes(category)) throw unknownReference('/category');
}
