/** The whole API, built from what it is handed. */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import type { Env } from './caller.js';
import { inputHook } from './contract.js';
import type { Deps } from './deps.js';
import { errorHandler, problemResponse, Refusal } from './errors.js';
import { authenticated, createAuthenticator } from './middleware/auth.js';
import { metered, meteredByAddress } from './middleware/limits.js';
import { requestLog } from './middleware/request-log.js';
import { request } from './middleware/request.js';
import { keyRoutes } from './api-keys/routes.js';
import { createKeyService } from './api-keys/service.js';
import { approvalRoutes } from './approvals/routes.js';
import { createApprovalService } from './approvals/service.js';
import { noteRefusal } from './audit/refused.js';
import { auditRoutes } from './audit/routes.js';
import { createAuditService } from './audit/service.js';
import { attachmentRoutes } from './attachments/routes.js';
import { createAttachmentService } from './attachments/service.js';
import { bulkRoutes } from './bulk/routes.js';
import { createBulkService } from './bulk/service.js';
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
import { createDocsSignIn } from './documents/sign-in.js';
import { documentRoutes } from './documents/routes.js';
import { erasureRoutes } from './erasures/routes.js';
import { createErasureService } from './erasures/service.js';
import { escalationRoutes } from './escalations/routes.js';
import { createEscalationService } from './escalations/service.js';
import { eventRoutes } from './events/routes.js';
import { createEventService } from './events/service.js';
import { handoffRoutes } from './handoffs/routes.js';
import { createHandoffService } from './handoffs/service.js';
import { createCallbackService } from './hooks/callback.js';
import { createReportService } from './hooks/delivery-report.js';
import { createHookOpener } from './hooks/known.js';
import { createMailService } from './hooks/mail.js';
import { hookRoutes } from './hooks/routes.js';
import { createHookService } from './hooks/service.js';
import { providerRoutes } from './identity-providers/routes.js';
import { createProviderService } from './identity-providers/service.js';
import { inboundRoutes } from './inbound/routes.js';
import { createInboundService } from './inbound/service.js';
import { jobRoutes } from './jobs/routes.js';
import { createJobService } from './jobs/service.js';
import { templateRoutes } from './journey-templates/routes.js';
import { createTemplateService } from './journey-templates/service.js';
import { createJourneyEngine } from './journeys/engine.js';
import { createJourneyReads } from './journeys/reads.js';
import { journeyRoutes } from './journeys/routes.js';
import { createJourneyService } from './journeys/service.js';
import { journeySettingsRoutes } from './journeys/settings-routes.js';
import { createJourneySettings } from './journeys/settings.js';
import { journeyStartRoutes } from './journeys/start-routes.js';
import { createJourneyStarts } from './journeys/start.js';
import { messageRoutes } from './messages/routes.js';
import { createMessageService } from './messages/service.js';
import { operatorRoutes } from './operators/routes.js';
import { retentionRoutes } from './retention/routes.js';
import { createRetentionService } from './retention/service.js';
import { calendarRoutes } from './service-levels/calendar-routes.js';
import { createCalendarService } from './service-levels/calendars.js';
import { createPolicyService } from './service-levels/policies.js';
import { policyRoutes } from './service-levels/policy-routes.js';
import { reprojectionRoutes } from './service-levels/reprojection-routes.js';
import { createReprojectionService } from './service-levels/reprojections.js';
import { limitRoutes } from './request-limits/routes.js';
import { createLimitService } from './request-limits/service.js';
import { honoPath, routeTable } from './route-table.js';
import type { Route } from './route-table.js';
import { streamRoutes } from './stream/routes.js';
import { createStreamService } from './stream/service.js';
import { accountRoutes } from './service-accounts/routes.js';
import { createAccountService } from './service-accounts/service.js';
import { createTicketEngine } from './tickets/engine.js';
import { createTicketReads } from './tickets/reads.js';
import { ticketRoutes } from './tickets/routes.js';
import { createTicketService } from './tickets/service.js';
import { userRoutes } from './users/routes.js';
import { createUserService } from './users/service.js';
import { createDeliveryService } from './webhooks/deliveries.js';
import { createEndpointService } from './webhooks/endpoints.js';
import { webhookRoutes } from './webhooks/routes.js';

export type App = OpenAPIHono<Env>;

/**
 * @throws Error when a route names no permission
 */
export function createApp(deps: Deps): App {
  const authenticate = createAuthenticator(deps);
  const features = buildFeatures(deps, authenticate.forget);
  const routes = routeTable(features);
  const app = new OpenAPIHono<Env>({ defaultHook: inputHook });
  const answered = errorHandler(deps.log);
  app.onError((error, c) => {
    if (error instanceof Refusal) noteRefusal(c, error);
    return answered(error, c);
  });
  app.notFound(unmatched(routes));
  app.use(requestLog(deps.log, deps.now), request(deps));
  const known: MiddlewareHandler<Env>[] = [authenticated(authenticate, deps.requests), metered(deps.requests)];
  const unknown: MiddlewareHandler<Env>[] = [meteredByAddress(deps.requests)];
  for (const { method, path, permission } of routes) {
    app.on([method.toUpperCase()], [honoPath(path)], ...(permission === 'public' ? unknown : known));
  }
  for (const feature of features) app.route('/', feature);
  return app;
}

/**
 * Every part of the API in the order of the document.
 *
 * @param forget to be called when who people are, or what they may, has changed
 */
function buildFeatures(deps: Deps, forget: () => void): App[] {
  const engine = createTicketEngine(deps);
  const reprojections = createReprojectionService(deps, engine);
  const batches = createBulkService(deps, engine);
  const webhooks = createDeliveryService(deps, engine);
  const inbound = createInboundService(deps, engine);
  const journeyEngine = createJourneyEngine(deps, engine);
  const journeyReads = createJourneyReads(deps, journeyEngine);
  const features: App[] = [
    ticketRoutes(createTicketService(deps, engine), createTicketReads(deps, engine)),
    messageRoutes(createMessageService(deps, engine)),
    attachmentRoutes(createAttachmentService(deps, engine)),
    customerRoutes(createCustomerService(deps, engine)),
    erasureRoutes(createErasureService(deps, engine)),
    retentionRoutes(createRetentionService(deps, engine)),
    directoryRoutes(createDirectoryService(deps, engine, forget)),
    configurationRoutes(createConfigurationService(deps, engine)),
    userRoutes(createUserService(deps, engine, forget)),
    accountRoutes(createAccountService(deps, engine, forget)),
    keyRoutes(createKeyService(deps, engine, forget)),
    providerRoutes(createProviderService(deps, engine, forget)),
    limitRoutes(createLimitService(engine, forget)),
    webhookRoutes(createEndpointService(deps, engine), webhooks),
    hookRoutes(createHookService(deps, engine), {
      open: createHookOpener(deps),
      events: createCallbackService(deps),
      reports: createReportService(deps),
      mails: createMailService(deps, inbound),
    }),
    calendarRoutes(createCalendarService(deps, engine)),
    policyRoutes(createPolicyService(deps, engine, reprojections)),
    reprojectionRoutes(reprojections),
    jobRoutes(createJobService(deps, engine, [reprojections.jobs, batches.jobs, webhooks.jobs])),
    clockRoutes(createClockService(deps, engine)),
    escalationRoutes(createEscalationService(deps, engine)),
    // Before those whose addresses take any name in its place.
    streamRoutes(createStreamService(deps, engine)),
    bulkRoutes(batches),
    templateRoutes(createTemplateService(deps, engine)),
    journeyStartRoutes(createJourneyStarts(deps, journeyEngine, journeyReads)),
    journeyRoutes(createJourneyService(deps, journeyEngine, journeyReads), journeyReads),
    handoffRoutes(createHandoffService(deps, journeyEngine)),
    approvalRoutes(createApprovalService(deps, journeyEngine)),
    journeySettingsRoutes(createJourneySettings(engine)),
    eventRoutes(createEventService(deps, engine)),
    inboundRoutes(inbound),
    auditRoutes(createAuditService(deps, engine)),
    operatorRoutes(deps.webUi),
  ];
  let document: OpenApiDocument | undefined;
  features.push(documentRoutes(() => (document ??= describe(features)), createDocsSignIn(deps)));
  return features;
}

const describe = (features: readonly App[]): OpenApiDocument =>
  openApiDocument(features.flatMap((feature) => feature.openAPIRegistry.definitions));

/** The OpenAPI document of an app that is never run. */
export function describeApp(): OpenApiDocument {
  // Building asks nothing of what it is handed; a route that were run would fail at once.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return describe(buildFeatures({ webUi: { url: '', namespace: '' } } as Deps, () => undefined));
}

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
