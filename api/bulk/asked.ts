/** What a body asks for: a command the rules know, its words apart, because those go another way. */
import { Refusal } from '../errors.js';
import type { HandoffBulkBody, JourneyBulkBody } from './schema.js';
import type { BulkWords } from '../../db/queries/bulk.js';
import { needsReason } from '../../domain/bulk/command.js';
import type { BulkCommand, HandoffBulk, JourneyBulk } from '../../domain/bulk/command.js';
import { isObject, plainJson } from '../../domain/journey/json.js';
import type { JsonObject } from '../../domain/journey/json.js';
import { contentIdsIn, withoutTexts } from '../../domain/journey/texts.js';

export interface Asked<Command extends BulkCommand = BulkCommand, Filter = unknown> {
  readonly command: Command;
  readonly words: BulkWords;
  readonly filter: Filter;
}

type Filtered<Body> = Extract<Body, { readonly filter: object; readonly args: object }>;

/** @throws Refusal `kind_not_available`, `reason_required`, `invalid_request` for free text in a value */
export function journeyAsked(body: JourneyBulkBody): Asked<JourneyBulk, Filtered<JourneyBulkBody>['filter']> {
  if (body.verb === 'migrate' || body.verb === 'modify') {
    const message = `${body.verb} exists, and comes later`;
    throw new Refusal('kind_not_available', { errors: [{ pointer: '/verb', code: 'kind_not_available', message }] });
  }
  const target = 'journeys';
  const { verb, filter } = body;
  if (body.verb === 'vote') {
    const { comment, ...args } = body.args;
    return { command: { target, verb: body.verb, args }, words: comment === undefined ? {} : { comment }, filter };
  }
  const { reason } = body.args;
  if (reason === undefined && needsReason.some((known) => known === verb)) throw new Refusal('reason_required');
  const words = reason === undefined ? {} : { reason };
  return { command: commandOf(body), words, filter };
}

type Spoken = Exclude<JourneyBulkBody, { readonly verb: 'migrate' | 'modify' | 'vote' }>;

function commandOf(body: Spoken): JourneyBulk {
  const target = 'journeys';
  switch (body.verb) {
    case 'retry': {
      const { step, input } = body.args;
      const given = input === undefined ? {} : { input: withoutText(input, '/args/input') };
      return { target, verb: body.verb, args: { ...(step === undefined ? {} : { step }), ...given } };
    }
    case 'complete_with': {
      const { step, outcome, output } = body.args;
      const given = output === undefined ? {} : { output: withoutText(output, '/args/output') };
      return { target, verb: body.verb, args: { ...(step === undefined ? {} : { step }), outcome, ...given } };
    }
    case 'skip': {
      const { step } = body.args;
      return { target, verb: body.verb, args: step === undefined ? {} : { step } };
    }
    case 'pause': {
      const { reason: _why, ...args } = body.args;
      return { target, verb: body.verb, args };
    }
    case 'resume': {
      const { reason: _why, ...args } = body.args;
      return { target, verb: body.verb, args };
    }
    case 'cancel':
    case 'compensate_and_end':
      return { target, verb: body.verb, args: {} };
  }
}

export function handoffAsked(body: HandoffBulkBody): Asked<HandoffBulk, HandoffBulkBody['filter']> {
  const target = 'handoffs';
  const { filter } = body;
  switch (body.verb) {
    case 'approve': {
      const { comment, ...args } = body.args;
      return { command: { target, verb: body.verb, args }, words: said(comment), filter };
    }
    case 'reject': {
      const { comment, ...args } = body.args;
      return { command: { target, verb: body.verb, args }, words: said(comment), filter };
    }
    case 'reassign':
      return { command: { target, verb: body.verb, args: body.args }, words: {}, filter };
    case 'retry':
      return { command: { target, verb: body.verb, args: {} }, words: {}, filter };
    case 'cancel':
      return { command: { target, verb: body.verb, args: {} }, words: said(body.args.comment), filter };
  }
}

const said = (comment: string | undefined): BulkWords => (comment === undefined ? {} : { comment });

/**
 * A value that every journey may be given as it is. A text would have to be stored for each of them by what its template says of it.
 *
 * @throws Refusal `invalid_request`
 */
function withoutText(sent: unknown, base: string): JsonObject {
  const { value } = plainJson(sent);
  const plain = isObject(value) ? value : {};
  const at: string[] = [];
  withoutTexts(plain, {}, (path) => (at.push(path), path));
  if (contentIdsIn(plain).length > 0) at.push('');
  if (at.length === 0) return plain;
  const message = 'must be a number, true, false or an id: texts are given journey by journey';
  throw new Refusal('invalid_request', { errors: at.map((path) => ({ pointer: base + path, code: 'invalid', message })) });
}
