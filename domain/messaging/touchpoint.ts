/** Words of the messages that journeys send to their subjects, by the key a template names. Source: journeys.md, sections 2 and 4. */
import { manyLines, oneLine } from './headers.js';

export interface TouchpointWords {
  /** Empty when unknown. */
  readonly customer: { readonly name: string };
  readonly product: { readonly name: string };
}

export interface TouchpointText {
  readonly subject: string;
  readonly text: string;
}

const greeting = ({ customer: { name } }: TouchpointWords): string => (name === '' ? 'Hello,' : `Hello ${name},`);

const texts: Readonly<Record<string, (words: TouchpointWords) => TouchpointText>> = {
  'onboarding.welcome': (words) => ({
    subject: `Welcome to ${words.product.name}`,
    text: `${greeting(words)}

welcome, and thank you for choosing us. We are preparing everything for you and will be in touch
about the next steps.

If you have a question, simply reply to this mail.

${words.product.name}
`,
  }),
};

/** The message behind a key; null: nobody has written one. What people are called is one line, whatever they wrote. */
export function touchpointText(template: string, { customer, product }: TouchpointWords): TouchpointText | null {
  const write = Object.hasOwn(texts, template) ? texts[template] : undefined;
  if (write === undefined) return null;
  const { subject, text } = write({ customer: { name: oneLine(customer.name, 100) }, product });
  return { subject: oneLine(subject, 250), text: manyLines(text, 200_000) };
}
