import openapiTS, { astToString, COMMENT_HEADER } from 'openapi-typescript';
import { expect, test } from 'vitest';
import { read } from '../support/repo.js';

test('the client’s types are those of openapi.json (npm run openapi)', async () => {
  const types = await openapiTS(read('openapi.json'), { defaultNonNullable: false });
  // Two texts of a megabyte: which differ is all that could be said of them.
  expect(read('clients/typescript/schema.ts') === `${COMMENT_HEADER}${astToString(types)}`).toBe(true);
});
