/** The whole API, built from what it is handed. */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Env } from './caller.js';
import { inputHook, permissionOf } from './contract.js';
import type { RoutePermission } from './contract.js';
import type { Deps } from './deps.js';
import { errorHandler, problemResponse } from './errors.js';
import { authenticated, createAuthenticator } from './middleware/auth.js';
import { requestLog } from './middleware/request-log.js';
import { request } from './middleware/request.js';
import { attachmentRoutes } from './attachments/routes.js';
import { createAttachmentService } from './attachments/service.js';
import { clockRoutes } from './clocks/routes.js';
import { createClockService } from './clocks/service.js';
import { configurationRoutes } from './configuration/routes.js';
import { createConfigurationService } from './configuration/service.js';
import { customerRoutes } from './customers/routes.js';
import { createCustomerService } from './customers/service.js';
import { directoryRoutes } from './directory/routes.js';
import { createDirectoryService } from './directory/service.js';
import { openApiDocument } from './documents/openapi.js';
import type { OpenApiDocument } from './documents/openapi.js';
import { documentRoutes } from './documents/routes.js';
import { escalationRoutes } from './escalations/routes.js';
import { createEscalationService } from './escalations/service.js';
import { inboundRoutes } from './inbound/routes.js';
import { createInboundService } from './inbound/service.js';
import { messageRoutes } from './messages/routes.js';
import { createMessageService } from './messages/service.js';
import { operatorRoutes } from './operators/routes.js';
import { calendarRoutes } from './service-levels/calendar-routes.js';
import { createCalendarService } from './service-levels/calendars.js';
import { createPolicyService } from './service-levels/policies.js';
import { policyRoutes } from './service-levels/policy-routes.js';
import { reprojectionRoutes } from './service-levels/reprojection-routes.js';
import { createReprojectionService } from './service-levels/reprojections.js';
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
  const routes = routeTable(features);
  const app = new OpenAPIHono<Env>({ defaultHook: inputHook });
  app.onError(errorHandler(deps.log));
  app.notFound(unmatched(routes));
  app.use(requestLog(deps.log, deps.now), request(deps));
  const authenticate = authenticated(createAuthenticator(deps));
  for (const { method, path, permission } of routes) {
    if (permission !== 'public') app.on(method.toUpperCase(), honoPath(path), authenticate);
  }
  for (const feature of features) app.route('/', feature);
  return app;
}

/** Every part of the API in the order of the document. */
function buildFeatures(deps: Deps): App[] {
  const engine = createTicketEngine(deps);
  const reprojections = createReprojectionService(deps, engine);
  const features: App[] = [
    ticketRoutes(createTicketService(deps, engine), createTicketReads(deps, engine)),
    messageRoutes(createMessageService(deps, engine)),
    attachmentRoutes(createAttachmentService(deps, engine)),
    customerRoutes(createCustomerService(deps, engine)),
    directoryRoutes(createDirectoryService(deps, engine)),
    configurationRoutes(createConfigurationService(deps, engine)),
    calendarRoutes(createCalendarService(deps, engine)),
    policyRoutes(createPolicyService(deps, engine, reprojections)),
    reprojectionRoutes(reprojections),
    clockRoutes(createClockService(deps, engine)),
    escalationRoutes(createEscalationService(deps, engine)),
    inboundRoutes(createInboundService(deps, engine)),
    operatorRoutes(deps.webUi),
  ];
  let document: OpenApiDocument | undefined;
  features.push(documentRoutes(() => (document ??= describe(features))));
  return features;
}

const describe = (features: readonly App[]): OpenApiDocument =>
  openApiDocument(features.flatMap((feature) => feature.openAPIRegistry.definitions));

/** The OpenAPI document of an app that is never run. */
export function describeApp(): OpenApiDocument {
  // Building asks nothing of what it is handed; a route that were run would fail at once.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return describe(buildFeatures({ webUi: { url: '', namespace: '' } } as Deps));
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
    if (path === '/' || path === '/docs/') return c.redirect('/docs');
    const methods = routes
      .filter((route) => new RegExp(`^${route.path.replaceAll(/[.]/g, String.raw`\.`).replaceAll(/\{.+?\}/g, '[^/]+')}$`).test(path))
      .flatMap((route) => (route.method === 'get' ? ['GET', 'HEAD'] : [route.method.toUpperCase()]));
    if (methods.length === 0) return problemResponse(c, 'not_found');
    return problemResponse(c, 'method_not_allowed', { headers: { allow: [...new Set(methods)].toSorted().join(', ') } });
  };
