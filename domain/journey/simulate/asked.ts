import type { Asked, CompiledTrigger } from '../entry/entry.js';
import type { BusEvent } from '../entry/event.js';
import type { JourneyStart } from '../run/state.js';
import type { World } from './world.js';

/** What a trigger asks for when it fires. */
export const askedBy = (
  world: World,
  trigger: CompiledTrigger,
  event: BusEvent | null,
  subject: JourneyStart['subject'] | null,
): Asked => ({
  trigger,
  event,
  subject: subject === null ? null : world.directory.subjectRoot(subject),
  input: {},
  commandId: world.name(`trigger-${trigger.id}`),
});
