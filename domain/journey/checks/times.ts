/** Times: J040 to J043. */
import { day, minute } from '../../time.js';
import { timeLimits } from '../attempts.js';
import { found } from '../diagnostic.js';
import type { Diagnostic } from '../diagnostic.js';
import { durationMs, inWords } from '../duration.js';
import { pointer } from '../json.js';
import { durationsOf } from '../places.js';
import { rruleFault } from '../rrule.js';
import type { Case } from './case.js';
import { isInstant } from './paths.js';

/** J040. */
export function wrongDurations({ template }: Case): Diagnostic[] {
  const most = durationMs(template.limits?.maxDuration ?? 'P180D') ?? 180 * day;
  const reentry = /^after:(.*)$/.exec(template.entry?.reentry ?? '')?.[1];
  const again = reentry === undefined ? [] : [{ path: '/entry/reentry', text: reentry, use: 'apart' } as const];
  return [...durationsOf(template), ...again].flatMap(({ path, text, use }) => {
    if (typeof text === 'number') return [];
    const ms = durationMs(text);
    if (ms === null) return [found('J040', path, `\`${text}\` is not a duration`)];
    if (ms === 0) return [found('J040', path, `\`${text}\`: ${nameOf(path)} must be longer than zero`)];
    if (ms < 0 && use !== 'shift') return [found('J040', path, `\`${text}\`: ${nameOf(path)} may not be negative`)];
    const isLong = Math.abs(ms) > most && (use === 'life' || use === 'shift');
    return isLong ? [found('J040', path, `\`${text}\` is longer than the journey may last (${inWords(most)})`)] : [];
  });
}

/** What the reader calls it: a wait, else the field. */
const nameOf = (path: string): string => (path.endsWith('/for') ? 'a wait' : `\`${path.slice(path.lastIndexOf('/') + 1)}\``);

/** J041. */
export const openWaits = ({ bodies, isLost }: Case): Diagnostic[] =>
  bodies.flatMap(({ id, body, at }) => {
    if (body.kind !== 'wait' || isLost(at())) return [];
    const isVariable = typeof body.until === 'string' && !isInstant(body.until);
    const mayStay = body.event !== undefined || body.condition !== undefined || isVariable;
    if (!mayStay || (body.max !== undefined && body.onMax !== undefined)) return [];
    const lacks = [...(body.max === undefined ? ['`max`'] : []), ...(body.onMax === undefined ? ['`onMax`'] : [])].join(' and ');
    return [found('J041', at(), `\`${id}\` could wait for ever; ${lacks} missing`)];
  });

/** J042. */
export const hopelessPlans = ({ template, bodies }: Case): Diagnostic[] =>
  bodies.flatMap(({ id, body, at }) => {
    const { estimatedDuration: plan } = body;
    const planned = typeof plan === 'number' ? plan * minute : durationMs(plan ?? '');
    const { totalMs } = timeLimits(body.timeouts, template.defaults?.timeouts);
    if (planned === null || totalMs === null || planned <= totalMs) return [];
    return [
      found('J042', at('estimatedDuration'), `\`${id}\` is planned longer (${inWords(planned)}) than it may last (${inWords(totalMs)})`),
    ];
  });

/** J043. */
export function unknownTimes({ template, bodies, known: { isZone, calendars } }: Case): Diagnostic[] {
  const { defaults = {}, triggers = [] } = template;
  const zone = (path: string, name: string | undefined): Diagnostic[] =>
    name === undefined || isZone === null || isZone(name) ? [] : [found('J043', path, `\`${name}\` is not an IANA zone`)];
  const { calendar } = defaults;
  return [
    ...zone('/defaults/timezone', defaults.timezone),
    ...(calendar === undefined || calendars === null || calendars.has(calendar)
      ? []
      : [found('J043', '/defaults/calendar', `\`${calendar}\` is not a calendar of yours`)]),
    ...triggers.flatMap((trigger, index) => {
      const fault = trigger.rrule === undefined ? null : rruleFault(trigger.rrule);
      return [
        ...zone(pointer('triggers', index, 'zone'), trigger.zone),
        ...(fault === null ? [] : [found('J043', pointer('triggers', index, 'rrule'), `\`${trigger.rrule}\`: ${fault}`)]),
      ];
    }),
    ...bodies.flatMap(({ body, at }) =>
      body.kind === 'wait' && typeof body.until === 'object' ? zone(at('until', 'zone'), body.until.zone) : [],
    ),
  ];
}
