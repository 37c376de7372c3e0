import { createActionRunner } from './actions.js';
import type { ActionDeps } from './actions.js';
import { createBulk } from './bulk.js';
import type { BulkDeps } from './bulk.js';
import type { Activities, EntryActivities } from './contract.js';
import { createDelivery } from './delivery.js';
import type { DeliveryDeps } from './delivery.js';
import { createErasure } from './erasure.js';
import type { ErasureDeps } from './erasure.js';
import { createJourneyProjection } from './journey-projection.js';
import { createTemplates } from './journey-templates.js';
import { createJourneyQuestions } from './journey.js';
import type { JourneyQuestionDeps } from './journey.js';
import { createProjection } from './projection.js';
import type { ProjectionDeps } from './projection.js';
import { createReprojection } from './reprojection.js';
import type { ReprojectionDeps } from './reprojection.js';
import { createLedger } from './ledger.js';
import { createNotices } from './notices.js';
import type { NoticeDeps } from './notices.js';
import { inOrder } from './precedence.js';
import type { Precedence } from './precedence.js';
import { createPlanning } from './sla.js';
import type { PlanningDeps } from './sla.js';
import { createStaffing } from './staffing.js';
import { createTouchpoints } from './touchpoint.js';
import { createWebhooks } from './webhook.js';
import type { WebhookDeps } from './webhook.js';

type Deps = ProjectionDeps &
  Omit<DeliveryDeps, 'ledger'> &
  Omit<NoticeDeps, 'ledger'> &
  PlanningDeps &
  ReprojectionDeps &
  BulkDeps &
  ErasureDeps &
  Omit<JourneyQuestionDeps, 'templates'> &
  ActionDeps &
  WebhookDeps &
  EntryActivities & { readonly precedence: Precedence };

/** Everything workflows may ask, each factory handed only what it uses. */
export function createActivities(given: Deps): Activities {
  const deps = { ...given, ledger: createLedger(given) };
  return {
    ...inOrder({ ...createProjection(deps), ...createPlanning(deps) }, deps.precedence),
    ...createDelivery(deps),
    ...createNotices(deps),
    ...createStaffing(deps),
    ...createReprojection(deps),
    ...createBulk(deps),
    ...createErasure(deps),
    ...createJourneyQuestions({ ...deps, templates: createTemplates(deps) }),
    ...createJourneyProjection(deps),
    ...createActionRunner(deps),
    ...createTouchpoints(deps),
    ...createWebhooks(deps),
    enterChild: deps.enterChild,
    fireSchedule: deps.fireSchedule,
  };
}
