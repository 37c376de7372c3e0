/** The whole API, built from what it is handed. */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import type { Env } from './caller.js';
import { inputHook, permissionOf } from './contract.js';
import type { RoutePermission } from './contract.js';
import type { Deps } from './deps.js';
import { errorHandler, problemResponse, Refusal } from './errors.js';
import { authenticated, createAuthenticator } from './middleware/auth.js';
import { requestLog } from './middleware/request-log.js';
import { request } from './middleware/request.js';
import { createTicketEngine } from './tickets/engine.js';
import { createTicketReads } from './tickets/reads.js';
import { ticketRoutes } from './tickets/routes.js';
import { createTicketService } from './tickets/service.js';

export type App = OpenAPIHono<Env>;

/**
 * @throws Error when a route names no permission
 */
export function createApp(deps: Deps): App {
  const features = buildFeatures(deps);
  const app = new OpenAPIHono<Env>({ defaultHook: inputHook });
  app.onError(errorHandler(deps.log));
  app.notFound(unmatched(routeTable(features)));
  app.use(requestLog(deps.log, deps.now), request(deps));
  const authenticate = authenticated(createAuthenticator(deps));
  for (const { method, path, permission } of routeTable(features)) {
    if (permission !== 'public') app.on(method.toUpperCase(), honoPath(path), authenticate);
  }
  for (const feature of features) app.route('/', feature);
  return app;
}

function buildFeatures(deps: Deps): App[] {
  const engine = createTicketEngine(deps);
  return [ticketRoutes(createTicketService(deps, engine), createTicketReads(deps, engine))];
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly permission: RoutePermission;
}

/** Every route with its permission; one without does not start. Source: security.md, section 1. */
function routeTable(features: readonly App[]): Route[] {
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

const honoPath = (path: string): string => path.replaceAll(/\{(.+?)\}/g, ':$1');

/** What answers no route: another method of a known address, or nothing at all. */
const unmatched =
  (routes: readonly Route[]) =>
  (c: Context<Env>): Response => {
    const { path } = c.req;
    const methods = routes
      .filter((route) => new RegExp(`^${route.path.replaceAll(/[.]/g, String.raw`\.`).replaceAll(/\{.+?\}/g, '[^/]+')}$`).test(path))
      .flatMap((route) => (route.method === 'get' ? ['GET', 'HEAD'] : [route.method.toUpperCase()]));
    if (methods.length === 0) return problemResponse(c, 'not_found');
    return problemResponse(c, 'method_not_allowed', { headers: { allow: [...new Set(methods)].toSorted().join(', ') } });
  };
