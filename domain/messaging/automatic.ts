/** Which mail no person wrote. It is kept, and never answered: two machines would talk for ever. Source: service-desk.md, section 3; RFC 3834. */
import { ownMailbox, valueOf, valuesOf } from './headers.js';
import type { Header } from './headers.js';

export const automaticMarks = [
  'auto_submitted',
  'precedence',
  'list_id',
  'autoreply',
  'auto_response_suppress',
  'null_return_path',
  'report',
  'own_loop',
  'own_mailbox',
] as const;
export type AutomaticMark = (typeof automaticMarks)[number];

export interface AutomaticFacts {
  readonly headers: readonly Header[];
  /** Address of the sender; null when there is none. */
  readonly sender: string | null;
  /** Domain of our own mailboxes. */
  readonly domain: string;
}

/** The marks of automatic mail that it bears, in the order above; none: a person wrote it. */
export function marksOf({ headers, sender, domain }: AutomaticFacts): AutomaticMark[] {
  const has = (name: string): boolean => valueOf(headers, name) !== undefined;
  const tests: Readonly<Record<AutomaticMark, () => boolean>> = {
    auto_submitted: () => valuesOf(headers, 'auto-submitted').some((value) => keyword(value) !== 'no'),
    precedence: () => valuesOf(headers, 'precedence').some((value) => ['bulk', 'junk', 'list'].includes(keyword(value))),
    list_id: () => has('list-id'),
    autoreply: () => has('x-autoreply'),
    auto_response_suppress: () => has('x-auto-response-suppress'),
    // The one on top is what our own side added; what stands below, anybody may have written.
    null_return_path: () => valueOf(headers, 'return-path')?.replaceAll(/\s/g, '') === '<>',
    report: () => keyword(valueOf(headers, 'content-type') ?? '') === 'multipart/report',
    own_loop: () => has('x-usher-loop'),
    own_mailbox: () => sender !== null && ownMailbox(sender, domain) !== null,
  };
  return automaticMarks.filter((mark) => tests[mark]());
}

/** What stands before parameters and comments, in lower case. */
const keyword = (value: string): string =>
  value
    .trim()
    .replace(/[;(\s].*$/s, '')
    .toLowerCase();
