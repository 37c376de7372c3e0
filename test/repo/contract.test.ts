/** What `openapi.json` promises, looked at by itself: valid, whole, and the same everywhere. Source: api.md, sections 1, 2 and 6. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { isProblemCode } from '../../api/problems.js';
import { permissions } from '../../domain/access/permit.js';
import { read } from '../support/repo.js';

type Json = Readonly<Record<string, unknown>>;

const document = JSON.parse(read('openapi.json')) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>>; readonly parameters: Readonly<Record<string, Json>> };
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, method, path, operation })),
);
const objectAt = (value: unknown, name: string): Json => {
  const inner: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof inner === 'object' && inner !== null ? { ...inner } : {};
};
const textAt = (value: Json, name: string): string => (typeof value[name] === 'string' ? value[name] : '');
const listAt = (value: Json, name: string): Json[] => (Array.isArray(value[name]) ? (value[name] as Json[]) : []);
const parametersOf = (operation: Json): Json[] =>
  listAt(operation, 'parameters').map((one) => ('$ref' in one ? objectAt(document.components.parameters, refName(one)) : one));
const refName = (value: Json): string => textAt(value, '$ref').split('/').at(-1) ?? '';
const namesOf = (operation: Json, place: string): string[] =>
  parametersOf(operation)
    .filter((one) => one['in'] === place)
    .map((one) => textAt(one, 'name'));
const refsIn = (value: unknown): string[] =>
  [...JSON.stringify(value).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name = '']) => name);
const isPublic = ({ operation }: { readonly operation: Json }): boolean => operation['x-permission'] === 'public';

test('it is OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
});

test('every schema that is named is there, and every one that is there is named', () => {
  const named = new Set(refsIn(document));
  expect(named).toEqual(new Set(Object.keys(document.components.schemas)));
});

test('operations have names of their own', () => {
  const ids = operations.map(({ operation }) => textAt(operation, 'operationId'));
  expect(ids.filter((id, at) => ids.indexOf(id) !== at || !/^[a-z][A-Za-z]+$/.test(id))).toEqual([]);
});

describe.each(operations)('$name', ({ method, path, operation }) => {
  test('says what it does, who may, and how it can fail', () => {
    expect(textAt(operation, 'summary')).toMatch(/^[A-Z].*[^.]$/);
    expect(operation['tags']).toHaveLength(1);
    expect([...Object.keys(permissions), 'public']).toContain(operation['x-permission']);
    const problems = operation['x-problems'] as string[];
    expect(problems).toEqual(problems.toSorted());
    expect(problems.filter((code) => !isProblemCode(code))).toEqual([]);
  });

  test('names the parts of its address', () => {
    expect(namesOf(operation, 'path')).toEqual([...path.matchAll(/\{(.+?)\}/g)].map(([, name = '']) => name));
    for (const one of parametersOf(operation)) expect(Object.keys(objectAt(one, 'schema')).length, textAt(one, 'name')).toBeGreaterThan(0);
  });

  test('describes what goes in, with an example, and what comes out', () => {
    for (const [type, media] of Object.entries(objectAt(operation['requestBody'], 'content'))) {
      expect(Object.keys(objectAt(media, 'schema'))).not.toEqual([]);
      if (type === 'application/json') expect(media).toHaveProperty('example');
    }
    for (const [status, response] of Object.entries(objectAt(operation, 'responses'))) {
      for (const media of Object.values(objectAt(response, 'content')))
        expect(Object.keys(objectAt(media, 'schema')), status).not.toEqual([]);
    }
  });

  test('is read page by page where it is a list, and written once for one key', () => {
    const query = namesOf(operation, 'query');
    expect(query.includes('cursor')).toBe(query.includes('limit'));
    if (method !== 'get' && !isPublic({ operation })) expect(namesOf(operation, 'header')).toContain('Idempotency-Key');
  });
});

/** Bodies that are made of what their sender calls things, and drafts, which may be wrong in every way: their own check names what is too much. */
const open: readonly string[] = ['updateContext', 'publishEvents', 'createTemplate', 'validateTemplate', 'replaceTemplateDraft'];

/** The objects a schema lets a body be. */
function objectsOf(schema: Json): Json[] {
  if ('$ref' in schema) return objectsOf(objectAt(document.components.schemas, refName(schema)));
  const branches = [...listAt(schema, 'anyOf'), ...listAt(schema, 'oneOf')];
  if (branches.length > 0) return branches.flatMap(objectsOf);
  return schema['type'] === 'object' ? [schema] : [];
}

test('T3: no body takes a field that nobody described', () => {
  const lax = operations
    .filter(({ operation }) => !open.includes(textAt(operation, 'operationId')))
    .filter(({ operation }) => {
      const schema = objectAt(objectAt(objectAt(operation['requestBody'], 'content'), 'application/json'), 'schema');
      return objectsOf(schema).some((one) => one['additionalProperties'] !== false);
    });
  expect(lax.map(({ name }) => name)).toEqual([]);
});
