/** The wire shapes of starting journeys. */
import { z } from 'zod';
import { entryReasons } from '../../domain/journey/entry/consider.js';
import { idPattern } from '../../domain/journey/entry/event.js';
import { subjectTypes } from '../../domain/journey/template.js';
import { JourneyView, StepId, Values } from './schema.js';

/** An id as journeys may hold it. */
export const SubjectId = z.string().regex(idPattern, 'must be 1 to 128 letters, digits and _ . : -');

export const StartJourney = z
  .strictObject({
    template: StepId.describe('its key'),
    version: z.exactOptional(z.int().min(1)).describe('absent: the newest that is published'),
    subject: z
      .exactOptional(z.strictObject({ type: z.enum(subjectTypes), id: SubjectId }))
      .describe('absent: the one the input names; another one than that is refused'),
    input: Values.default({}),
  })
  .meta({ id: 'StartJourney' });
export type StartJourney = z.output<typeof StartJourney>;

/** What became of a start: a journey of its own, or one that is open already. */
const entry = z.enum(['started', 'existing', 'signalled']);
export const StartedJourney = z.strictObject({ ...JourneyView.shape, entry }).meta({ id: 'StartedJourney' });
export type StartedJourney = z.output<typeof StartedJourney>;

/** Why somebody may not enter; a call is never a repeated event, and its input is refused with its places. */
export const startRefusals = entryReasons.filter(
  (reason) => reason !== 'duplicate_event' && reason !== 'input_invalid' && reason !== 'capacity',
);
