/** Every route of the API with the permission it names. Source: security.md, section 1. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Env } from './caller.js';
import { permissionOf } from './contract.js';
import type { RoutePermission } from './contract.js';

/** Part of the API, as far as it says what it serves. */
type Declared = Pick<OpenAPIHono<Env>, 'routes' | 'openAPIRegistry'>;

export interface Route {
  readonly method: string;
  readonly path: string;
  readonly permission: RoutePermission;
}

/** Every route with its permission; one without does not start. Source: security.md, section 1. */
export function routeTable(features: readonly Declared[]): Route[] {
  return features.flatMap((feature) => {
    const declared = feature.openAPIRegistry.definitions.flatMap((definition) => (definition.type === 'route' ? [definition.route] : []));
    const routes = declared.map((route) => {
      const permission = permissionOf({ ...route });
      if (permission === undefined) throw new Error(`${route.method} ${route.path} names no permission`);
      return { method: route.method, path: route.path, permission };
    });
    for (const { method, path } of feature.routes) {
      const known = routes.some((route) => route.method.toUpperCase() === method && honoPath(route.path) === path);
      if (!known) throw new Error(`${method} ${path} is not declared`);
    }
    return routes;
  });
}

export const honoPath = (path: string): string => path.replaceAll(/\{(.+?)\}/g, ':$1');
