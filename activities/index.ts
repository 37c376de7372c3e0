import type { Activities } from './contract.js';
import { createDelivery } from './delivery.js';
import type { DeliveryDeps } from './delivery.js';
import { createProjection } from './projection.js';
import type { ProjectionDeps } from './projection.js';
import { createReprojection } from './reprojection.js';
import type { ReprojectionDeps } from './reprojection.js';
import { createPlanning } from './sla.js';
import type { PlanningDeps } from './sla.js';
import { createStaffing } from './staffing.js';

/** Everything workflows may ask, each factory handed only what it uses. */
export const createActivities = (deps: ProjectionDeps & DeliveryDeps & PlanningDeps & ReprojectionDeps): Activities => ({
  ...createProjection(deps),
  ...createDelivery(deps),
  ...createPlanning(deps),
  ...createStaffing(deps),
  ...createReprojection(deps),
});
