import type { Activities } from './contract.js';
import { createDelivery } from './delivery.js';
import type { DeliveryDeps } from './delivery.js';
import { createProjection } from './projection.js';
import type { ProjectionDeps } from './projection.js';

/** Everything workflows may ask, each factory handed only what it uses. */
export const createActivities = (deps: ProjectionDeps & DeliveryDeps): Activities => ({
  ...createProjection(deps),
  ...createDelivery(deps),
});
