/** The OpenAPI document, made from the contracts of the routes. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import type { Env } from '../caller.js';
import { isProblemCode, problemKind, problems } from '../problems.js';

type Json = Readonly<Record<string, unknown>>;
export type OpenApiDocument = Json;
type Definition = OpenAPIHono<Env>['openAPIRegistry']['definitions'][number];
type Route = Extract<Definition, { type: 'route' }>['route'];

const Problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.enum(Object.keys(problems).filter(isProblemCode)),
    requestId: z.string(),
    errors: z.exactOptional(z.array(z.strictObject({ pointer: z.string(), code: z.string(), message: z.string() }))),
  })
  .meta({ id: 'Problem', description: 'RFC 9457; besides these the members that the code names' });

/** Describes every route of the definitions, in their order. */
export function openApiDocument(definitions: readonly Definition[]): OpenApiDocument {
  const components = new Components();
  const paths: Record<string, Record<string, Json>> = {};
  for (const definition of definitions) {
    if (definition.type !== 'route') continue;
    const { route } = definition;
    paths[route.path] = { ...paths[route.path], [route.method]: operation(route, components) };
  }
  return components.settle({
    openapi: '3.1.0',
    info: {
      title: 'Usher',
      version: '1',
      description:
        'Customer service on durable workflows. Every change of a ticket is one command; every command may carry an Idempotency-Key.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ key: [] }],
    paths,
    components: {
      parameters: headers,
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key, `usk_…`, or an access token of an identity provider your tenant trusts',
        },
      },
    },
  });
}

const header = (name: string, description: string): Json => ({
  name,
  in: 'header',
  required: false,
  description,
  schema: { type: 'string' },
});
const headers = {
  idempotencyKey: header('Idempotency-Key', '1 to 255 visible ASCII characters; the same key again gets the first answer'),
  ifMatch: header('If-Match', 'the version the caller has read, as in the ETag; otherwise 412'),
  prefer: header('Prefer', '`respond-async`: do not wait for the result'),
  ifNoneMatch: header('If-None-Match', 'the ETag the caller has; 304 when it still holds'),
};
const use = (name: keyof typeof headers): Json => ({ $ref: `#/components/parameters/${name}` });

/** What lies behind is a workflow, whose answer a caller need not wait for. */
const takesCommands = /^[/]v1[/](?:tickets|journeys|handoffs|approvals)[/]\{[A-Za-z]+\}(?:[/]|$)/;

function operation(route: Route, components: Components): Json {
  const { method, operationId, summary, tags, request, responses } = route;
  const permission: unknown = Reflect.get(route, 'x-permission');
  const codes: unknown = Reflect.get(route, 'x-problems');
  const writes = method !== 'get' && permission !== 'public';
  const parameters = [
    ...objectParameters('path', request?.params, components),
    ...objectParameters('query', request?.query, components),
    ...(writes ? [use('idempotencyKey'), use('ifMatch')] : []),
    ...(writes && takesCommands.test(route.path) && method !== 'delete' ? [use('prefer')] : []),
    ...(method === 'get' && Object.hasOwn(responses, 304) ? [use('ifNoneMatch')] : []),
  ];
  return {
    operationId,
    summary,
    tags,
    ...(permission === 'public' ? { security: [] } : {}),
    'x-permission': permission,
    'x-problems': codes,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(request?.body === undefined
      ? {}
      : { requestBody: { required: request.body.required ?? false, content: contents(request.body.content, 'input', components) } }),
    responses: { ...answers(responses, components), ...failures(codes, components) },
  };
}

function objectParameters(place: 'path' | 'query', schema: unknown, components: Components): Json[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape).map(([name, field]) => {
    const { description, ...rest } = components.schemaOf(field, 'output');
    const optional = isSchema(field) && mayBeLeftOut(field);
    return {
      name,
      in: place,
      required: place === 'path' || !optional,
      ...(description === undefined ? {} : { description }),
      ...(rest['type'] === 'array' ? { style: 'form', explode: false } : {}),
      schema: rest,
    };
  });
}

const contents = (content: Readonly<Record<string, unknown>> | undefined, io: 'input' | 'output', components: Components): Json =>
  Object.fromEntries(
    Object.entries(content ?? {}).map(([type, media]) => {
      const { schema, example } = typeof media === 'object' && media !== null ? { schema: undefined, example: undefined, ...media } : {};
      return [
        type,
        {
          ...(isSchema(schema) ? { schema: components.schemaOf(schema, io) } : {}),
          ...(example === undefined ? {} : { example }),
        },
      ];
    }),
  );

function answers(responses: Route['responses'], components: Components): Json {
  return Object.fromEntries(
    Object.entries(responses)
      .filter(([status, response]) => /^[23]/.test(status) && typeof response === 'object')
      .map(([status, response]) => {
        const { description, content } = { content: undefined, description: '', ...response };
        return [status, { description, ...(content === undefined ? {} : { content: contents({ ...content }, 'output', components) }) }];
      }),
  );
}

/** The problems of a route by their status. */
function failures(codes: unknown, components: Components): Json {
  const known = (Array.isArray(codes) ? codes : []).filter((code): code is string => typeof code === 'string').filter(isProblemCode);
  const statuses = [...new Set(known.map((code) => problemKind(code).status))].toSorted((a, b) => a - b);
  const codesOf = (status: number): string =>
    known
      .filter((code) => problemKind(code).status === status)
      .map((code) => `\`${code}\``)
      .join(', ');
  const content = { 'application/problem+json': { schema: components.schemaOf(Problem, 'output') } };
  return {
    ...Object.fromEntries(statuses.map((status) => [status, { description: codesOf(status), content }])),
    default: { description: 'A problem', content },
  };
}

const isSchema = (value: unknown): value is z.ZodType => value instanceof z.ZodType;

const mayBeLeftOut = (field: z.ZodType): boolean => z.strictObject({ field }).safeParse({}).success;

type Io = 'input' | 'output';

/** Named schemas. While the document is made they are referred to as `Name@input` and `Name@output`; `settle` gives them their names. */
class Components {
  private readonly variants = new Map<string, Partial<Record<Io, Json>>>();

  schemaOf(schema: unknown, io: Io): Json {
    if (!isSchema(schema)) return {};
    const { $schema: _dialect, $defs: inner, ...root } = plain(z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' }));
    for (const [name, definition] of Object.entries(plain(inner))) this.keep(name, io, plain(definition));
    const name = schema.meta()?.id;
    if (name === undefined) return marked(root, io);
    if (root['$ref'] === undefined) this.keep(name, io, root);
    return { $ref: `#/components/schemas/${name}@${io}` };
  }

  /** The document with the schemas in it: one name for both ways where they look the same, `…Input` for what comes in where not. */
  settle(document: Json): Json {
    const names = new Map<string, string>();
    const schemas: [string, Json][] = [];
    for (const [name, { input, output }] of this.variants) {
      const same = input === undefined || output === undefined || neutral(input) === neutral(output);
      const kept = same ? (output ?? input) : output;
      if (kept !== undefined) schemas.push([name, kept]);
      if (!same && input !== undefined) schemas.push([`${name}Input`, input]);
      names.set(`${name}@output`, name);
      names.set(`${name}@input`, same ? name : `${name}Input`);
    }
    const components = { ...plain(document['components']), schemas: Object.fromEntries(schemas.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
    const text = JSON.stringify({ ...document, components });
    return plain(
      JSON.parse(text.replaceAll(/(?<="#\/components\/schemas\/)[A-Za-z]+@(?:input|output)/g, (mark) => names.get(mark) ?? mark)),
    );
  }

  private keep(name: string, io: Io, { id: _id, ...definition }: Json): void {
    this.variants.set(name, { ...this.variants.get(name), [io]: marked(definition, io) });
  }
}

const plain = (value: unknown): Record<string, unknown> => (typeof value === 'object' && value !== null ? { ...value } : {});

/** References within one schema, as marked references into the document. */
const marked = (value: Json, io: Io): Json =>
  plain(
    JSON.parse(JSON.stringify(value).replaceAll(/"#\/\$defs\/([A-Za-z]+)"/g, (_, name: string) => `"#/components/schemas/${name}@${io}"`)),
  );

/** What both ways have in common: which way a reference goes does not count. */
const neutral = (value: Json): string => JSON.stringify(value).replaceAll(/@(?:input|output)"/g, '"');
