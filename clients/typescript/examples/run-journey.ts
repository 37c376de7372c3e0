/** Starts a journey for a lead and says how a call went. */
import { done } from '../usher.js';
import type { Journey, Usher } from '../usher.js';

export async function runJourney(usher: Usher, template: string, customerId: string): Promise<Journey> {
  const started = await done(usher.POST('/v1/journeys', { body: { template, input: { customerId } } }));
  const path = { journeyId: started.id };
  await done(usher.POST('/v1/journeys/{journeyId}/advance', { params: { path }, body: { outcome: 'done' } }));
  return done(usher.GET('/v1/journeys/{journeyId}', { params: { path } }));
}
