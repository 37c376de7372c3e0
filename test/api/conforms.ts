/** Holds a response against `openapi.json`: status, media type, shape. Knows the few words of JSON Schema the document uses. */
import { readFileSync } from 'node:fs';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: string | number | boolean | null;
  readonly pattern?: string;
}

interface Answered {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

interface Document {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<Record<string, { readonly responses: Readonly<Record<string, Answered>>; readonly 'x-problems': readonly string[] }>>
    >
  >;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export const document = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8')) as Document;

const patternOf = (path: string): RegExp => new RegExp(`^${path.replaceAll('.', '[.]').replaceAll(/\{.+?\}/g, '[^/]+')}$`);
/** Fixed paths before those with a variable part. */
const paths = Object.keys(document.paths)
  .toSorted((a, b) => a.split('{').length - b.split('{').length)
  .map((path) => ({ path, pattern: patternOf(path) }));

/** Codes every route can answer with before it is a route. */
const anywhere = new Set(['headers_too_large', 'internal', 'database_unavailable', 'method_not_allowed', 'not_found']);

/** What breaks the document; empty when the response keeps it. With `fields` in the address only what it names has to be there. */
export function conforms(method: string, address: string, reply: { status: number; headers: Headers; body: unknown }): string[] {
  const [bare = '', query] = address.split('?');
  const path = paths.find(({ pattern }) => pattern.test(bare))?.path;
  const operation = path === undefined ? undefined : document.paths[path]?.[method === 'HEAD' ? 'get' : method.toLowerCase()];
  if (operation === undefined) return reply.status === 404 || reply.status === 405 || reply.status === 431 ? [] : ['not in the document'];
  if (method === 'HEAD') return [];
  const type = (reply.headers.get('content-type') ?? '').split(';')[0] ?? '';
  if (reply.status >= 400)
    return [...problemErrors(reply, operation['x-problems']), ...check(reply.body, { $ref: '#/components/schemas/Problem' }, '')];
  const answered = operation.responses[String(reply.status)];
  if (answered === undefined) return [`status ${reply.status} is not in the document`];
  if (answered.content === undefined) return [];
  const media = answered.content[type];
  if (media === undefined) return [`media type ${type} is not in the document`];
  if (media.schema === undefined) return [];
  const fields = new URLSearchParams(query).getAll('fields').flatMap((names) => names.split(','));
  return check(reply.body, fields.length === 0 ? media.schema : narrowed(media.schema, fields), '');
}

/** The same schema, of a page or of one thing, where nothing has to be there but these fields. */
function narrowed(schema: Schema, fields: readonly string[]): Schema {
  const { $ref, anyOf, properties, required = [] } = schema;
  if ($ref !== undefined) return narrowed(document.components.schemas[$ref.split('/').at(-1) ?? ''] ?? {}, fields);
  if (anyOf !== undefined) return { ...schema, anyOf: anyOf.map((branch) => narrowed(branch, fields)) };
  const data = properties?.['data'];
  if (data?.items === undefined) return { ...schema, required: required.filter((name) => fields.includes(name)) };
  return { ...schema, properties: { ...properties, data: { ...data, items: narrowed(data.items, fields) } } };
}

function problemErrors({ headers, body, status }: { status: number; headers: Headers; body: unknown }, codes: readonly string[]): string[] {
  if (headers.get('content-type') !== 'application/problem+json') return ['a problem has another media type'];
  const { code, status: said }: { code?: unknown; status?: unknown } = typeof body === 'object' && body !== null ? body : {};
  return [
    ...(typeof code === 'string' && (codes.includes(code) || anywhere.has(code)) ? [] : [`code ${String(code)} is not in x-problems`]),
    ...(said === status ? [] : ['the status in the body is another']),
  ];
}

function check(value: unknown, schema: Schema, at: string): string[] {
  if (schema.$ref !== undefined) {
    const target = document.components.schemas[schema.$ref.split('/').at(-1) ?? ''];
    return target === undefined ? [`${at}: ${schema.$ref} leads nowhere`] : check(value, target, at);
  }
  if (schema.anyOf !== undefined) {
    const attempts = schema.anyOf.map((branch) => check(value, branch, at));
    return attempts.some((errors) => errors.length === 0) ? [] : (attempts.toSorted((a, b) => a.length - b.length)[0] ?? []);
  }
  if (schema.const !== undefined && value !== schema.const) return [`${at}: not ${String(schema.const)}`];
  if (schema.enum !== undefined && !schema.enum.includes(value)) return [`${at}: ${String(value)} is none of the values`];
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => hasType(value, type)))
    return [`${at}: ${JSON.stringify(value)} is not ${types.join(' or ')}`];
  if (typeof value === 'string' && schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value))
    return [`${at}: ${value} does not match`];
  if (Array.isArray(value))
    return schema.items === undefined ? [] : value.flatMap((item, index) => check(item, schema.items ?? {}, `${at}/${index}`));
  return typeof value === 'object' && value !== null ? checkObject(Object.entries(value), schema, at) : [];
}

function checkObject(entries: readonly (readonly [string, unknown])[], schema: Schema, at: string): string[] {
  const names = entries.map(([name]) => name);
  const missing = (schema.required ?? []).filter((name) => !names.includes(name)).map((name) => `${at}/${name}: missing`);
  const wrong = entries.flatMap(([name, inner]) => {
    const known = schema.properties?.[name];
    if (known !== undefined) return check(inner, known, `${at}/${name}`);
    if (schema.additionalProperties === false) return [`${at}/${name}: not in the document`];
    return typeof schema.additionalProperties === 'object' ? check(inner, schema.additionalProperties, `${at}/${name}`) : [];
  });
  return [...missing, ...wrong];
}

function hasType(value: unknown, type: string): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}
