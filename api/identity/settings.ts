import type { Config } from '../../config.js';
import type { SignInSettings } from '../deps.js';

/** How tokens are taken, as the environment says. */
export const signInSettings = ({
  USHER_TENANT_CLAIM: tenantClaim,
  ALLOW_PRIVATE_TARGETS: privateTargets,
  DOCS_OIDC_ISSUER: issuer,
  DOCS_OIDC_CLIENT_ID: clientId,
}: Config): SignInSettings => ({
  privateTargets,
  ...(tenantClaim === undefined ? {} : { tenantClaim }),
  ...(issuer === undefined || clientId === undefined ? {} : { docs: { issuer, clientId } }),
});
