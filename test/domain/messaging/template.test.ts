import { describe, expect, test } from 'vitest';
import { renderMail, templateErrors } from '../../../domain/messaging/template.js';
import type { MailWords } from '../../../domain/messaging/template.js';
import { asTicketId } from '../../../domain/ids.js';
import { mailTemplates } from '../../../domain/messaging/plan.js';

const evil = '<img src=x onerror=alert(1)>{{ 1 | plus: 1 }}{% raw %}"\'&';

const words = (changes: Partial<MailWords> = {}): MailWords => ({
  ticket: { number: asTicketId('TKT-3V7K9M2Q'), subject: 'It does not start', status: 'Resolved' },
  customer: { name: 'Ann' },
  product: { name: 'Product' },
  agent: { name: 'Agent' },
  message: { text: 'First line\nsecond\n\nnew paragraph', html: null },
  reopenWithin: '7 days',
  omitted: [],
  ...changes,
});

const template = (part: 'subject' | 'text' | 'html', source: string) => ({ subject: 's', text: 't', html: 'h', [part]: source });

const subjectOf = (subject: string): string => renderMail('reply', undefined, words({ ticket: { ...words().ticket, subject } })).subject;

describe('the default mails', () => {
  test.each([
    ['acknowledgement', '[TKT-3V7K9M2Q] It does not start'],
    ['reply', 'Re: [TKT-3V7K9M2Q] It does not start'],
    ['resolved', 'Re: [TKT-3V7K9M2Q] It does not start'],
  ] as const)('%s has a subject, a text and a layout that loads nothing', (name, subject) => {
    const mail = renderMail(name, undefined, words());
    expect(mail).toMatchObject({ subject, fellBack: false });
    expect(mail.text).toMatch(/\w/);
    expect(mail.html).toContain('</html>');
    expect(mail.html).not.toMatch(/<(?:img|link|script|iframe)|src=|url\(|@import/i);
    expect(mail.text).not.toMatch(/\{[{%]|\n\n\n/);
  });

  test('say what there is to say', () => {
    expect(renderMail('reply', undefined, words()).text).toBe('First line\nsecond\n\nnew paragraph\n\n-- \nAgent, Product\n');
    expect(renderMail('reply', undefined, words()).html).toContain('<p>First line<br>second</p>\n<p>new paragraph</p>');
    expect(renderMail('reply', undefined, words({ message: { text: 'a', html: '<p><b>a</b></p>' } })).html).toContain('<p><b>a</b></p>');
    expect(renderMail('resolved', undefined, words()).text).toContain('within 7 days');
    const short = renderMail(
      'resolved',
      undefined,
      words({ message: null, reopenWithin: '', customer: { name: '' }, agent: { name: '' } }),
    );
    expect(short.text).toMatch(/^Hello,\n\nwe have marked your request TKT-3V7K9M2Q as resolved\.\n\nProduct\n$/);
    expect(renderMail('reply', undefined, words({ omitted: ['big.zip', '<b>.zip'] })).html).toContain('big.zip, &lt;b&gt;.zip');
  });

  test('carry the number once, whatever the subject brings', () => {
    expect(subjectOf('Re: [TKT-3V7K9M2Q] Re: x')).toBe('Re: [TKT-3V7K9M2Q] x');
    expect(subjectOf('')).toBe('Re: [TKT-3V7K9M2Q]');
    expect(subjectOf('x\r\nBcc: y@z')).toBe('Re: [TKT-3V7K9M2Q] x Bcc: y@z');
    expect(subjectOf('x'.repeat(1_000)).length).toBeLessThan(300);
  });
});

describe('T21 what people wrote is data', () => {
  const hostile = words({
    ticket: { ...words().ticket, subject: evil },
    customer: { name: evil },
    product: { name: evil },
    agent: { name: evil },
    message: { text: evil, html: null },
  });

  test.each(mailTemplates)('in the default %s', (name) => {
    const { html, text } = renderMail(name, undefined, hostile);
    expect(html).not.toContain('<img');
    expect(html).not.toContain('onerror=alert(1)>');
    expect(text).not.toMatch(/\b2\b/);
  });

  test.each([
    '{{ message }}{{ customer.name }}{{ ticket.subject }}',
    '{{ message | raw }}{{ customer.name | raw }}',
    '{{ customer.name | append: "" | raw }}',
    '{{ message | upcase }}{{ message | append: customer.name }}',
    '{% assign x = customer.name %}{{ x }}{% capture y %}{{ customer.name }}{% endcapture %}{{ y }}',
    '{% for c in customer %}{{ c }}{% endfor %}',
    '{% cycle customer.name, "x" %}{% echo customer.name %}',
    '{% liquid echo customer.name %}',
    '{{ message.markup }}{{ message.constructor }}{{ customer.name | json }}',
  ])('in a product’s %j', (html) => {
    const mail = renderMail('reply', template('html', html), hostile);
    expect(mail.html?.toLowerCase()).not.toContain('<img');
  });

  test('and templates reach nothing else', () => {
    const mail = renderMail(
      'reply',
      template('text', '[{{ constructor }}{{ message.constructor.name }}{{ customer.__proto__ }}{{ ticket.toString }}{{ process }}]'),
      words(),
    );
    expect(mail.text).toBe('[]');
  });
});

describe('a product’s template', () => {
  test('replaces words, keeps the number, and may be plain text', () => {
    const mail = renderMail('reply', { subject: 'Answer: {{ ticket.subject }}', text: 'Dear {{ customer.name }}' }, words());
    expect(mail).toEqual({ subject: '[TKT-3V7K9M2Q] Answer: It does not start', text: 'Dear Ann', html: null, fellBack: false });
  });

  test('that says the number itself has it once', () => {
    const mail = renderMail('reply', { subject: 'About {{ ticket.number }}', text: 't' }, words());
    expect(mail.subject).toBe('About TKT-3V7K9M2Q');
  });

  test('that is a whole page is not put into ours', () => {
    expect(renderMail('reply', template('html', '<html><body>{{ message }}</body></html>'), words()).html).toMatch(/^<html><body><p>/);
  });

  test.each([
    ['{% for i in (1..100000000) %}x{% endfor %}'],
    ['{% for i in (1..5000) %}{% for j in (1..5000) %}{% endfor %}{% endfor %}'],
    ['{{ "x" | no_such_filter }}'],
    ['{% include "/etc/passwd" %}'],
  ])('F32 that is poison, %j, falls back to the default within a second or two', (source) => {
    const mail = renderMail('reply', template('text', source), words());
    expect(mail.fellBack).toBe(true);
    expect(mail.text).toContain('First line');
  });
});

describe('the check at save', () => {
  test('passes what the defaults do', () => {
    expect(
      templateErrors({
        subject: 'Re: {{ ticket.subject }}',
        text: '{% if customer.name != "" %}{{ customer.name }}{% endif %}',
        html: '<p>{{ message }}</p>',
      }),
    ).toEqual([]);
    expect(templateErrors({ subject: 's', text: 't' })).toEqual([]);
  });

  test.each([
    ['subject', '{{ ticket.subject', /^subject: .*not closed/],
    ['text', '{{ customer.nmae }}', /^text: .*undefined variable: customer.nmae/],
    ['text', '{{ x | shout }}', /^text: .*undefined filter: shout/],
    ['html', '{% include "x" %}', /^html: .*tag "include" not found/],
    ['html', '{% render "x" %}', /^html: .*tag "render" not found/],
    ['html', '{% layout "x" %}', /^html: .*tag "layout" not found/],
    ['text', '{% for i in (1..100000000) %}{% endfor %}', /^text: .*limit/],
    ['text', 'x'.repeat(100_001), /^text: .*limit/],
  ] as const)('names what is wrong in %s %j', (part, source, message) => {
    const errors = templateErrors(template(part, source));
    expect(errors).toHaveLength(1);
    expect(`${errors[0]?.part}: ${errors[0]?.message}`).toMatch(message);
  });
});
