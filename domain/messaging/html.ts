/** Markup that came from outside: only what is known to be harmless gets in. Source: security.md, T20. */
import sanitizeHtml from 'sanitize-html';

// prettier-ignore
const tags = [
  'a', 'abbr', 'b', 'blockquote', 'br', 'caption', 'center', 'cite', 'code', 'col', 'colgroup', 'dd', 'del', 'div', 'dl', 'dt', 'em', 'figcaption',
  'figure', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'i', 'ins', 'kbd', 'li', 'mark', 'ol', 'p', 'pre', 'q', 's', 'samp', 'small', 'span', 'strike',
  'strong', 'sub', 'sup', 'table', 'tbody', 'td', 'tfoot', 'th', 'thead', 'time', 'tr', 'u', 'ul', 'var',
];

const mostMarkup = 500_000;
/** Deeper markup takes the sanitiser quadratic time; no mail program writes it. */
const deepest = 200;

/**
 * Harmless markup: no scripts, styles, forms, images or other things that load by themselves; links open elsewhere and tell nothing.
 * Of markup that nests deeper than 200, or that the sanitiser stumbles over, only the words are left.
 */
export function cleanHtml(html: string): string {
  const given = html.slice(0, mostMarkup);
  try {
    return sanitize(given);
  } catch {
    return sanitize(given.replaceAll(/<[^<>]*>/g, ' '));
  }
}

function sanitize(html: string): string {
  let depth = 0;
  return sanitizeHtml(html, {
    allowedTags: tags,
    allowedAttributes: {
      a: ['href', 'title', 'rel', 'target'],
      td: ['colspan', 'rowspan'],
      th: ['colspan', 'rowspan'],
      ol: ['start'],
      '*': ['dir', 'lang'],
    },
    allowedSchemes: ['http', 'https', 'mailto', 'tel'],
    allowProtocolRelative: false,
    disallowedTagsMode: 'discard',
    nonTextTags: ['script', 'style', 'textarea', 'option', 'noscript', 'title', 'head', 'template', 'xmp', 'noembed', 'iframe'],
    nestingLimit: 50,
    transformTags: { a: sanitizeHtml.simpleTransform('a', { rel: 'noopener noreferrer nofollow', target: '_blank' }) },
    onOpenTag() {
      depth += 1;
      if (depth > deepest) throw new Error('markup nests too deep');
    },
    onCloseTag() {
      depth -= 1;
    },
  });
}

const lineEnds = /<(?:br|hr)\s*\/?>|<\/(?:p|div|tr|li|h[1-6]|blockquote|pre|table|ul|ol|dl|dt|dd|figure|caption)\s*>/gi;
/** What the sanitiser writes for characters; `&amp;` last, so that nothing is read twice. */
const entities = [
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&quot;', '"'],
  ['\u00a0', ' '],
  ['&amp;', '&'],
] as const;

/** The words of markup, a line per block; at most one empty line in a row. */
export function htmlToText(html: string): string {
  const flat = cleanHtml(html)
    .replaceAll(/[\t\n\r ]+/g, ' ')
    .replaceAll(lineEnds, '\n');
  const words = sanitizeHtml(flat, { allowedTags: [], allowedAttributes: {} });
  return entities
    .reduce((text, [entity, character]) => text.replaceAll(entity, character), words)
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}
