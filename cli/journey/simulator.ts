/** The simulator with what the host has. */
import { simulate } from '../../domain/journey/simulate/simulate.js';
import type { Simulation } from '../../domain/journey/simulate/simulate.js';
import type { SimulatorPorts } from '../../domain/journey/simulate/ports.js';
import type { Script } from '../../domain/journey/simulate/script.js';
import { isZone, localMs, nextLocalTime, quietUntil } from '../../domain/journey/zone.js';
import { expand } from '../../domain/sla/calendar.js';
import { horizonMs, walk } from '../../domain/sla/windows.js';
import type { Casting } from './cast.js';
import { digest, guards } from './surroundings.js';

/** @param worldOf where journeys and handoffs live; on the virtual clock, unless it is said */
export const playScript = (
  script: Script,
  { cast, actions }: Pick<Casting, 'cast' | 'actions'>,
  worldOf?: Parameters<typeof simulate>[3],
): Promise<Simulation> => {
  const ports = { engine: guards, digest, actions, nextLocalTime, quietUntil, isZone, localMs, openTime: openTimeOf(script) };
  return simulate(script, cast, ports, worldOf);
};

/** A calendar that opens less than that in five years never lets it pass. */
const openTimeOf =
  ({ calendars }: Script): SimulatorPorts['openTime'] =>
  (id, from, amountsMs) => {
    const calendar = Object.hasOwn(calendars, id) ? calendars[id] : undefined;
    if (calendar === undefined) return null;
    const reach = { from, until: from, needMs: Math.max(0, ...amountsMs), zoneData: process.versions['tz'] ?? '' };
    const windows = expand(calendar, { id, revision: 1 }, reach);
    return amountsMs.map((ms) => (windows === 'horizon' ? null : walk(windows, from, ms)) ?? from + horizonMs);
  };
