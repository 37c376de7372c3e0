import type { JourneyTemplate } from '../domain/journey/template.js';
import { customUpsell } from './custom-upsell.js';
import { customerAcquisition } from './customer-acquisition.js';
import { customerOnboarding } from './customer-onboarding.js';
import { supportResolution } from './support-resolution.js';
import { ticketApproval } from './ticket-approval.js';

/** The templates that come with the product. Source: journeys.md, section 4. */
export const builtInJourneys: readonly JourneyTemplate[] = [
  customerAcquisition,
  supportResolution,
  customerOnboarding,
  customUpsell,
  ticketApproval,
];
