/** The words of a notice to staff: numbers, enumerations and instants, nothing that a customer wrote. Source: sla.md, section 6. */
import type { ProductKey, TicketId } from '../ids.js';
import type { NoticeAbout, NoticeReason, NoticeRung } from '../sla/notice.js';
import type { Priority, TicketStatus } from '../ticket/status.js';
import { second, toIso } from '../time.js';
import type { Instant } from '../time.js';
import { escapeHtml } from './escape-html.js';
import { oneLine } from './headers.js';

export interface NoticeEscalation {
  readonly n: number;
  readonly level: number;
  readonly to: string;
  /** End of the window for the acknowledgement; null: there is none. */
  readonly ackDueAt: Instant | null;
}

export interface NoticeLink {
  readonly name: string;
  readonly url: string;
}

/** All that a notice may say. */
export interface NoticeWords {
  readonly about: NoticeAbout;
  readonly ticket: { readonly id: TicketId; readonly priority: Priority; readonly status: TicketStatus };
  readonly product: { readonly key: ProductKey; readonly name: string };
  readonly escalation: NoticeEscalation | null;
  /** It reaches its reader only because nobody addressed was found. */
  readonly fallback: boolean;
  readonly links: readonly NoticeLink[];
}

const happened: Readonly<Record<NoticeReason, string>> = {
  warning: 'warning',
  breach: 'breached',
  escalation: 'escalated',
  exhausted: 'escalation not acknowledged',
};

/** What happened, in a few words: `resolution breached`. */
const headline = ({ clock, reason }: NoticeAbout): string =>
  clock === null ? happened[reason] : `${clock.replace(/#.*$/, '').replaceAll('_', ' ')} ${happened[reason]}`;

/** One line, with the ticket's number first. */
export const noticeSubject = ({ about, ticket }: NoticeWords): string => `[${ticket.id}] ${headline(about)} (${ticket.priority})`;

/** Deadlines are whole seconds. */
const inWords = (at: Instant): string => toIso(at).replace(/\.\d{3}Z$/, 'Z');

const lateness = (lateMs: number): string => (lateMs < second ? 'on time' : `${Math.floor(lateMs / second)} s late`);
const rungLine = ({ rung, dueAt, lateMs }: NoticeRung): string => `${rung}: due ${inWords(dueAt)}, ${lateness(lateMs)}`;

function escalationLine({ n, level, to, ackDueAt }: NoticeEscalation): string {
  const by = ackDueAt === null ? '' : `, to acknowledge by ${inWords(ackDueAt)}`;
  return `e${n}, level ${level}, to ${to}${by}`;
}

/** Names and values, in the order in which they are read. */
const facts = ({ about, ticket, product, escalation }: NoticeWords): [string, string][] => [
  ['Ticket', ticket.id],
  ['Product', oneLine(product.name, 100)],
  ['Priority', ticket.priority],
  ['Status', ticket.status],
  ...(about.clock === null ? [] : [['Clock', about.clock] satisfies [string, string]]),
  ...(escalation === null ? [] : [['Escalation', escalationLine(escalation)] satisfies [string, string]]),
];

const why = 'You get this because nobody it was addressed to was found.';

/** The notice as plain text. */
export function noticeText(words: NoticeWords): string {
  const { about, fallback, links } = words;
  const parts = [
    [`${words.ticket.id}: ${headline(about)}`],
    facts(words).map(([name, value]) => `${`${name}:`.padEnd(12)}${value}`),
    about.rungs.map(rungLine),
    links.map(({ name, url }) => `${name}: ${url}`),
    fallback ? [why] : [],
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** The same as HTML. */
export function noticeHtml(words: NoticeWords): string {
  const { about, fallback, links } = words;
  const cells = facts(words).map(([name, value]) => `<tr><td>${name}</td><td>${escapeHtml(value)}</td></tr>`);
  const rungs = about.rungs.map((rung) => `<li>${escapeHtml(rungLine(rung))}</li>`);
  return [
    `<p><strong>${escapeHtml(`${words.ticket.id}: ${headline(about)}`)}</strong></p>`,
    `<table>${cells.join('')}</table>`,
    ...(rungs.length === 0 ? [] : [`<ol>${rungs.join('')}</ol>`]),
    ...links.map(({ name, url }) => `<p><a href="${escapeHtml(url)}">${escapeHtml(name)}</a></p>`),
    ...(fallback ? [`<p>${why}</p>`] : []),
  ].join('\n');
}

/** Characters of one SMS; all that is written here is in its alphabet and counts as one (3GPP TS 23.038, 6.2.1). */
const smsLength = 160;

/**
 * The notice as one SMS, the product's key cut to what room there is.
 *
 * @param reference tells this message from others to the same number; letters and digits
 */
export function noticeSms({ about, ticket, product, escalation }: NoticeWords, reference: string): string {
  const [first] = about.rungs;
  const ackDueAt = escalation?.ackDueAt ?? null;
  const when = ackDueAt === null ? (first === undefined ? '' : `, due ${inWords(first.dueAt)}`) : `, acknowledge by ${inWords(ackDueAt)}`;
  const more = about.rungs.length < 2 ? '' : `, ${about.rungs.length} rungs`;
  const start = `Usher ${ticket.id} ${ticket.priority}: ${headline(about)}${when}${more}`;
  const end = `. Ref ${reference}`;
  const room = smsLength - start.length - end.length - 2;
  return `${start}. ${product.key.slice(0, Math.max(room, 0))}${end}`;
}
