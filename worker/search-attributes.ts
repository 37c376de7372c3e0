/** Registers the search attributes that operators' views need and the server lacks. */
import type { Connection } from '@temporalio/client';
import { searchAttributes } from '../workflows/names.js';

// Numbers of temporal.api.enums.v1.IndexedValueType.
const indexedTypes: Readonly<Record<string, number>> = { TEXT: 1, KEYWORD: 2, INT: 3, DOUBLE: 4, BOOL: 5, DATETIME: 6, KEYWORD_LIST: 7 };

/** gRPC status of an attribute that somebody else registered meanwhile. */
const alreadyExists = 6;

type Operators = Pick<Connection, 'operatorService'>;

/**
 * Adds what is missing; safe to call from several workers at once.
 *
 * @returns the names that were added
 */
export async function registerSearchAttributes({ operatorService }: Operators, namespace: string): Promise<string[]> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(searchAttributes).filter(({ name }) => !Object.hasOwn(customAttributes ?? {}, name));
  if (missing.length === 0) return [];
  const wanted = Object.fromEntries(missing.map(({ name, type }) => [name, indexedTypes[type] ?? 2]));
  try {
    await operatorService.addSearchAttributes({ namespace, searchAttributes: wanted });
  } catch (error) {
    if (!isStatus(error, alreadyExists)) throw error;
  }
  return missing.map(({ name }) => name);
}

const isStatus = (error: unknown, code: number): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === code;
