/** Words and looks of the desk's mails: Liquid templates of a product, with defaults. What people wrote is only ever data. Source: security.md, T21. */
import { Liquid } from 'liquidjs';
import type { MailTemplateText } from '../configuration/schema.js';
import { asTicketId } from '../ids.js';
import type { TicketId } from '../ids.js';
import { escapeHtml } from './escape-html.js';
import { bareSubject, manyLines, oneLine } from './headers.js';
import type { MailTemplate } from './plan.js';

/** What templates may name. */
export interface MailWords {
  readonly ticket: { readonly number: TicketId; readonly subject: string; readonly status: string };
  /** Empty when unknown. */
  readonly customer: { readonly name: string };
  readonly product: { readonly name: string };
  /** Who wrote the message; empty when nobody is named. */
  readonly agent: { readonly name: string };
  /** The message or the resolution; `html` is sanitised, null: the text alone. Null: there is none. */
  readonly message: { readonly text: string; readonly html: string | null } | null;
  /** How long the ticket may be reopened, in words; empty: not at all. */
  readonly reopenWithin: string;
  /** Names of attachments that are too large for a mail. */
  readonly omitted: readonly string[];
}

export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string | null;
  /** The product's own template failed and the default took its place. */
  readonly fellBack: boolean;
}

const greeting = 'Hello{% if customer.name != "" %} {{ customer.name }}{% endif %},';

/** In code, so that a product without templates has good mails and a broken template never stops one. */
const defaults: Readonly<Record<MailTemplate, Required<MailTemplateText>>> = {
  acknowledgement: {
    subject: '{{ ticket.subject }}',
    text: `Hello,

thank you for your message. We have received it, and a person will answer you.
Your ticket is {{ ticket.number }}.

To add something, simply reply to this mail.

{{ product.name }}
`,
    html: `<p>Hello,</p>
<p>thank you for your message. We have received it, and a person will answer you.<br>Your ticket is <strong>{{ ticket.number }}</strong>.</p>
<p>To add something, simply reply to this mail.</p>`,
  },
  reply: {
    subject: 'Re: {{ ticket.subject }}',
    text: `{{ message }}

-- 
{% if agent.name != "" %}{{ agent.name }}, {% endif %}{{ product.name }}
`,
    html: `{{ message }}
{% if agent.name != "" %}<p>{{ agent.name }}</p>{% endif %}`,
  },
  resolved: {
    subject: 'Re: {{ ticket.subject }}',
    text: `${greeting}

we have marked your request {{ ticket.number }} as resolved.
{% if message != "" %}
{{ message }}
{% endif %}{% if reopenWithin != "" %}
If it is not solved, simply reply to this mail within {{ reopenWithin }}, and we will take it up again.
{% endif %}
{{ product.name }}
`,
    html: `<p>${greeting}</p>
<p>we have marked your request <strong>{{ ticket.number }}</strong> as resolved.</p>
{% if hasMessage %}{{ message }}{% endif %}
{% if reopenWithin != "" %}<p>If it is not solved, simply reply to this mail within {{ reopenWithin }}, and we will take it up again.</p>{% endif %}`,
  },
};

/** Markup that is safe already and must not be escaped again. */
class SafeHtml {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }

  toString(): string {
    return this.markup;
  }
}

/** A template reads its words and nothing else: no files, no prototypes, and not for long. */
function engine(strict: boolean, outputEscape?: (value: unknown) => string): Liquid {
  const liquid = new Liquid({
    ownPropertyOnly: true,
    strictFilters: true,
    strictVariables: strict,
    templates: {},
    parseLimit: 100_000,
    renderLimit: 1_000,
    memoryLimit: 5_000_000,
    ...(outputEscape ? { outputEscape } : {}),
  });
  for (const reading of ['include', 'render', 'layout', 'block']) delete liquid.tags[reading];
  // `raw` would let a name or a subject through as markup.
  liquid.registerFilter('raw', (value: unknown) => value);
  return liquid;
}

const asHtml = (value: unknown): string => (value instanceof SafeHtml ? value.markup : escapeHtml(plain(value)));
const plain = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value instanceof SafeHtml ? String(value) : '';

interface Engines {
  readonly text: Liquid;
  readonly html: Liquid;
}
const lenient: Engines = { text: engine(false), html: engine(false, asHtml) };
const strict: Engines = { text: engine(true), html: engine(true, asHtml) };

/**
 * Writes one mail.
 *
 * @param own the product's template; absent: the default. One without `html` makes a mail of plain text
 */
export function renderMail(template: MailTemplate, own: MailTemplateText | undefined, words: MailWords): RenderedMail {
  if (own !== undefined) {
    try {
      return { ...render(own, words, lenient), fellBack: false };
    } catch {
      // Checked when it was saved, so this is rare; a mail in other words is better than none.
    }
  }
  return { ...render(defaults[template], words, lenient), fellBack: own !== undefined };
}

export interface TemplateError {
  readonly part: 'subject' | 'text' | 'html';
  readonly message: string;
}

/**
 * Tries a product's template on made-up words.
 *
 * @returns what is wrong, each with the part it is in; empty when nothing is
 */
export function templateErrors(template: MailTemplateText): TemplateError[] {
  return (['subject', 'text', 'html'] as const).flatMap((part) => {
    const source = template[part];
    if (source === undefined) return [];
    try {
      const engineOfPart = part === 'html' ? strict.html : strict.text;
      engineOfPart.parseAndRenderSync(source, contextOf(sample, part === 'html'));
      return [];
    } catch (error) {
      return [{ part, message: oneLine(String(error), 300) }];
    }
  });
}

const sample: MailWords = {
  ticket: { number: asTicketId('TKT-00000000'), subject: 'Subject', status: 'Resolved' },
  customer: { name: 'Name' },
  product: { name: 'Product' },
  agent: { name: 'Name' },
  message: { text: 'Text', html: '<p>Text</p>' },
  reopenWithin: '7 days',
  omitted: [],
};

/** All own properties, so that templates see them; a class instance hides its methods. */
const contextOf = ({ ticket, customer, product, agent, message, reopenWithin }: MailWords, html: boolean) => ({
  ticket: { number: ticket.number, subject: bareSubject(ticket.subject), status: ticket.status },
  customer: { name: oneLine(customer.name, 100) },
  product: { name: product.name },
  agent: { name: oneLine(agent.name, 100) },
  message: message === null ? '' : html ? new SafeHtml(message.html ?? paragraphs(message.text)) : message.text,
  hasMessage: message !== null,
  reopenWithin,
});

function render(source: MailTemplateText, words: MailWords, { text, html }: Engines): Omit<RenderedMail, 'fellBack'> {
  const note =
    words.omitted.length === 0
      ? ''
      : `Too large for a mail, kept with the ticket: ${words.omitted.map((name) => oneLine(name, 150)).join(', ')}`;
  const subject = numbered(oneLine(text.parseAndRenderSync(source.subject, contextOf(words, false)), 250), words.ticket.number);
  const body = manyLines(text.parseAndRenderSync(source.text, contextOf(words, false)), 200_000).replaceAll(/\n{3,}/g, '\n\n');
  const plainText = note === '' ? body : `${body.trimEnd()}\n\n${note}\n`;
  if (source.html === undefined) return { subject, text: plainText, html: null };
  const inner = String(html.parseAndRenderSync(source.html, contextOf(words, true)));
  const full = /<html[\s>]/i.test(inner) ? inner : layout(words, inner + (note === '' ? '' : `<p>${escapeHtml(note)}</p>`));
  return { subject, text: plainText, html: full };
}

/** The number stands in every subject, behind the mark of an answer, so that people and mail programs find the thread. */
function numbered(subject: string, number: TicketId): string {
  if (subject.includes(number)) return subject;
  const mark = subject.startsWith('Re:') ? 'Re: ' : '';
  return `${mark}[${number}] ${subject.slice(mark.trimEnd().length).trimStart()}`.trim();
}

/** Plain text as markup: empty lines part paragraphs, single ones lines. */
const paragraphs = (text: string): string =>
  text
    .trim()
    .split(/\n{2,}/)
    .map((paragraph) => `<p>${escapeHtml(paragraph).replaceAll('\n', '<br>')}</p>`)
    .join('\n');

const font = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

/** Tables and inline styles, which all mail programs understand; nothing is loaded from anywhere. */
const layout = ({ product, ticket }: MailWords, inner: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light">
<title>${escapeHtml(bareSubject(ticket.subject))}</title>
<style>@media (max-width:640px){.card{border-radius:0!important;border-left:0!important;border-right:0!important}.pad{padding:24px 20px!important}.out{padding:0!important}}
img{max-width:100%;height:auto}blockquote{margin:0 0 16px;padding:0 0 0 14px;border-left:3px solid #d5dae1;color:#57606a}pre{white-space:pre-wrap}</style>
</head>
<body style="margin:0;padding:0;background:#f3f5f8">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#f3f5f8">
<tr><td class="out" align="center" style="padding:28px 12px">
<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px;background:#ffffff;border:1px solid #e3e7ec;border-radius:10px">
<tr><td class="pad" style="padding:22px 32px 18px;border-bottom:1px solid #edf0f4;${font};font-size:17px;font-weight:600;color:#1b2430">${escapeHtml(product.name)}</td></tr>
<tr><td class="pad" style="padding:26px 32px 14px;${font};font-size:15px;line-height:1.6;color:#27313f;word-break:break-word">
${inner}
</td></tr>
<tr><td class="pad" style="padding:16px 32px 22px;border-top:1px solid #edf0f4;${font};font-size:12px;line-height:1.5;color:#6b7684">Ticket ${escapeHtml(ticket.number)} &middot; Reply to this mail to add to it.</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
`;
