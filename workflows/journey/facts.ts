/** What comes by signal, checked: a handler of signals may throw nothing, so what is none of these is let pass without a word. */
import { log } from '@temporalio/workflow';
import { isRecord } from '../../domain/fields.js';
import { handoffStates } from '../../domain/journey/run/effect.js';
import type { HandoffReport, OccurredEvent, ReportFields } from '../../domain/journey/run/effect.js';
import type { Parent } from './messages.js';

const isText = (value: unknown): value is string => typeof value === 'string' && value.length > 0 && value.length <= 300;
const isInstant = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;

export const isEvent = (fact: OccurredEvent): boolean =>
  known('event', isRecord(fact) && isText(fact['id']) && isText(fact['type']) && isInstant(fact['at']));

export const isHandoffReport = (fact: HandoffReport): boolean =>
  known(
    'handoff',
    isRecord(fact) &&
      isText(fact['handoff']) &&
      Number.isSafeInteger(fact['seq']) &&
      handoffStates.some((state) => state === fact['state']),
  );

export const isChildEnd = (fact: ReportFields['childEnded']): boolean =>
  known(
    'childEnded',
    isRecord(fact) && isText(fact['effect']) && isText(fact['outcome']) && ['won', 'lost', null].includes(asResult(fact['result'])),
  );

export const isFollower = (fact: Parent): boolean => known('follow', isRecord(fact) && isText(fact['journeyId']) && isText(fact['effect']));

const asResult = (value: unknown): string | null => (typeof value === 'string' || value === null ? value : '');

function known(name: string, isKnown: boolean): boolean {
  if (!isKnown) log.warn('a signal that says nothing was let pass', { signal: name });
  return isKnown;
}
