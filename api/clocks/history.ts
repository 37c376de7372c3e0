/** What happened to a ticket's clocks and escalations, in words. */
import { clockName } from './names.js';

type Data = Readonly<Record<string, unknown>>;

const word = (value: unknown): string => String(value).replaceAll('_', ' ');
const named = ({ clock }: Data): string => (typeof clock === 'string' ? clockName(clock) : 'a clock');
const because = (value: unknown): string => (value === null || value === undefined ? '' : ` (${word(value)})`);

/** What was done to clocks by hand, by the verb. */
export const clockActions: Readonly<Record<string, string>> = {
  pauseClocks: 'Clocks paused by hand',
  resumeClocks: 'Clocks resumed by hand',
  overrideTarget: 'Target of a clock changed by hand',
  waive: 'Breach excused',
};

const escalated: Readonly<Record<string, (data: Data) => string>> = {
  opened: ({ rung, level, to }) => `Escalated to ${word(to)} by rung ${String(rung)}, level ${word(level)}`,
  already_at_level: ({ rung }) => `Rung ${String(rung)} did nothing: the ticket is at its level already`,
  exhausted: () => 'Nobody acknowledged the escalation in time, and no rung is left',
  notified: (data) => `Rung ${String(data['rung'])} of ${named(data)} told of the breach`,
};

export const clockSentences: Readonly<Record<string, (data: Data) => string>> = {
  'sla.activated': (data) => `Clock ${named(data)} started`,
  'sla.paused': (data) => `Clock ${named(data)} paused${because(data['cause'])}`,
  'sla.resumed': (data) => `Clock ${named(data)} resumed${because(data['cause'])}`,
  'sla.retargeted': (data) =>
    `Target of ${named(data)} changed from ${word(data['from'])} s to ${word(data['to'])} s${because(data['reason'])}`,
  'sla.recalendared': (data) =>
    `Calendar of ${named(data)} changed from ${String(data['from'])} to ${String(data['to'])}${because(data['reason'])}`,
  'sla.warned': (data) => `Rung ${String(data['rung'])} warned of ${named(data)}`,
  'sla.breached': (data) => `Clock ${named(data)} breached`,
  'sla.fulfilled': (data) => (data['outcome'] === 'met' ? `Clock ${named(data)} met` : `Clock ${named(data)} fulfilled after its breach`),
  'sla.cancelled': (data) => `Clock ${named(data)} cancelled${because(data['reason'])}`,
  'sla.waived': (data) => `Breach of ${named(data)} excused`,
  'sla.escalated': (data) => escalated[String(data['outcome'])]?.(data) ?? 'A rung of the ladder ran',
  'sla.acknowledged': () => 'Escalation acknowledged',
  'sla.collapsed': () => 'Several rungs were told of in one notice',
  'escalation.requested': () => 'The customer asked for an escalation',
  'escalation.opened': ({ to, level }) => `Escalated to ${word(to)}, level ${word(level)}`,
  'escalation.sent_back': () => 'Escalation sent back',
  'escalation.resolved': ({ outcome }) => `Escalation resolved${because(outcome)}`,
  'escalation.closed': ({ outcome }) => `Escalation closed${because(outcome)}`,
};
