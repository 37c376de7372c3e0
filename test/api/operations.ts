/** Every operation of `openapi.json` as tests walk them. */
import type { Permission } from '../../domain/access/permit.js';
import { document } from './conforms.js';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Readonly<Record<string, unknown>>;
}

export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly permission: Permission | 'public';
  readonly problems: readonly string[];
  readonly parameters: readonly Parameter[];
  /** Names in the path, in their order. */
  readonly names: readonly string[];
  readonly body: { readonly type: string; readonly schema: Readonly<Record<string, unknown>>; readonly example?: unknown } | null;
  /** It answers with events that do not end. */
  readonly streams: boolean;
  readonly answers: readonly string[];
  readonly tags: readonly string[];
  readonly summary: string;
}

interface Described {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly 'x-permission': Permission | 'public';
  readonly 'x-problems': readonly string[];
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: object; readonly example?: unknown }>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

/** In the order of the document. */
export const operations: readonly Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, described]) => operation(method, path, described as unknown as Described)),
);

function operation(method: string, path: string, described: Described): Operation {
  const [first] = Object.entries(described.requestBody?.content ?? {});
  return {
    id: described.operationId,
    method: method.toUpperCase(),
    path,
    permission: described['x-permission'],
    problems: described['x-problems'],
    parameters: (described.parameters ?? []).filter((one): one is Parameter => 'in' in one),
    names: [...path.matchAll(/\{(.+?)\}/g)].map(([, name = '']) => name),
    body:
      first === undefined
        ? null
        : { type: first[0], schema: { ...first[1].schema }, ...('example' in first[1] ? { example: first[1].example } : {}) },
    streams: Object.values(described.responses).some(({ content = {} }) => 'text/event-stream' in content),
    answers: Object.keys(described.responses),
    tags: described.tags,
    summary: described.summary,
  };
}
