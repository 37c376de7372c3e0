/** What happens in a scenario: `[instant, verb, ...arguments]`. */
import { z } from 'zod';
import type { PlainVerb, ScenarioEvent, ScenarioVerb } from '../../domain/sla/scenario.js';
import { ticketStatuses } from '../../domain/ticket/status.js';
import { chosen } from '../../domain/choice/schema.js';
import { parseInstant } from './instant.js';
import { Moment, Name, oneOf, Targets } from './values.js';

type EventSchema = z.ZodType<ScenarioEvent>;

/** The tuple of one verb, and its form in the words of a rule. */
const tuple = <const Verb extends ScenarioVerb, const Rest extends readonly z.ZodType[]>(verb: Verb, rest: Rest, ...words: string[]) =>
  z.tuple([Moment, z.literal(verb), ...rest], { error: `must be [${['instant', verb, ...words].join(', ')}]` });

const plain = (verb: PlainVerb): EventSchema => tuple(verb, []).transform(([at]) => ({ at, verb }));
const cause = (verb: 'cause+' | 'cause-'): EventSchema => tuple(verb, [Name], 'key').transform(([at, , key]) => ({ at, verb, cause: key }));

const Status = oneOf(ticketStatuses);
const By = oneOf(['customer', 'agent']);
const openWords = ['customer|agent', 'status?', 'receivedAt?'];
const openInStatus = tuple('open', [By, Status.optional(), Moment.optional()], ...openWords).transform(
  ([at, verb, by, status = 'new', receivedAt = at]): ScenarioEvent => ({ at, verb, by, status, receivedAt }),
);
/** The status may be left out before `receivedAt` too. */
const openReceived = tuple('open', [By, Moment], ...openWords).transform(([at, verb, by, receivedAt]): ScenarioEvent => ({
  at,
  verb,
  by,
  status: 'new',
  receivedAt,
}));

/** @param calendar a name that the file knows */
const shapesOf = (calendar: z.ZodType<string>): Readonly<Record<ScenarioVerb, EventSchema>> => ({
  open: chosen((parts) => {
    const third: unknown = Array.isArray(parts) ? parts[3] : undefined;
    return typeof third === 'string' && parseInstant(third) !== null ? openReceived : openInStatus;
  }),
  customer: plain('customer'),
  reply: plain('reply'),
  reply_resolve: plain('reply_resolve'),
  bot: plain('bot'),
  auto_ack: plain('auto_ack'),
  note: plain('note'),
  call: plain('call'),
  status: tuple('status', [Status], 'status').transform(([at, verb, status]) => ({ at, verb, status })),
  resolve: plain('resolve'),
  reopen: plain('reopen'),
  close: plain('close'),
  merge: plain('merge'),
  target: tuple('target', [Targets], '{kind: seconds}').transform(([at, verb, targets]) => ({ at, verb, targets })),
  calendar: tuple('calendar', [calendar], 'name').transform(([at, verb, name]) => ({ at, verb, calendar: name })),
  no_policy: plain('no_policy'),
  policy_again: plain('policy_again'),
  'cause+': cause('cause+'),
  'cause-': cause('cause-'),
  acknowledge: plain('acknowledge'),
  snooze: tuple('snooze', [Moment.optional()], 'until?').transform(([at, verb, until = null]) => ({ at, verb, until })),
  unsnooze: plain('unsnooze'),
  worker_down: plain('worker_down'),
  worker_up: plain('worker_up'),
});

const eventOf = (shapes: Readonly<Record<ScenarioVerb, EventSchema>>) => {
  const isVerb = (value: unknown): value is ScenarioVerb => typeof value === 'string' && Object.hasOwn(shapes, value);
  return chosen<ScenarioEvent>((parts) => {
    if (!Array.isArray(parts)) return { rule: 'must be a list: [instant, verb, ...arguments]' };
    const verb: unknown = parts[1];
    return isVerb(verb) ? shapes[verb] : { rule: `must be one of ${Object.keys(shapes).join(', ')}`, path: [1] };
  });
};

/** The desk may be down before there is a ticket. */
const beforeOpen: readonly ScenarioVerb[] = ['worker_down', 'worker_up'];

/** @param calendar a name that the file knows */
export const eventsOf = (calendar: z.ZodType<string>) =>
  z.array(eventOf(shapesOf(calendar)), { error: 'must be a list of events' }).superRefine((events, context) => {
    const opened = events.findIndex(({ verb }) => verb === 'open');
    if (opened < 0) context.addIssue({ code: 'custom', message: 'must hold one open' });
    for (const [index, { at, verb }] of events.entries()) {
      const before = events[index - 1];
      const say = (field: number, message: string): void => context.addIssue({ code: 'custom', path: [index, field], message });
      if (before !== undefined && at < before.at) say(0, 'must not be before the event above it');
      if (verb === 'open' && index !== opened) say(1, 'must be the only open');
      if (index < opened && !beforeOpen.includes(verb)) say(1, 'must come after open');
    }
  });
