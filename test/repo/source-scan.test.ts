/** What no lint rule can say. Each rule is shown text that it refuses and text that it lets pass, then the whole tree. */
import { describe, expect, test } from 'vitest';
import { files, read } from '../support/repo.js';

interface Rule {
  readonly name: string;
  /** Which files are scanned, by path. */
  readonly where: RegExp;
  readonly but?: RegExp;
  readonly pattern: RegExp;
  /** Comments are scanned as well. */
  readonly comments?: true;
  /** The file is scanned only when it matches this too. */
  readonly given?: RegExp;
  /** A match that also matches this is let pass. */
  readonly unless?: RegExp;
  /** Path and text. */
  readonly refused: readonly (readonly [string, string])[];
  readonly allowed: readonly (readonly [string, string])[];
}

const code = /\.(ts|mts|cts|js|mjs|cjs)$/;
const sandbox = /^(domain|workflows)\/.*\.ts$/;
const anyText = /\.(ts|mts|cts|js|mjs|cjs|json|md|ya?ml|html|css|sql|sh|toml|example|txt)$|^[^.]*$|^\.[\w-]+$/;

const rules: readonly Rule[] = [
  {
    name: 'T26: SQL is never pasted together',
    where: code,
    but: /^db\/migrations\//,
    pattern: /\bsql\s*\.\s*(raw|lit|literal)\b/g,
    refused: [
      ['api/x.ts', 'sql.raw(`select ${name}`)'],
      ['db/queries/x.ts', 'sql.lit(value)'],
    ],
    allowed: [
      ['db/queries/x.ts', 'sql`select ${value}`; sql.ref(name)'],
      ['db/migrations/0001-x.ts', 'sql.raw(statements)'],
    ],
  },
  {
    name: 'mail goes to address objects, never to text that is parsed again',
    where: /^(activities|api|worker)\/.*\.ts$/,
    given: /from 'nodemailer/,
    pattern: /\b(to|cc|bcc|from|sender|replyTo)\s*:\s*(['"`]|[\w.]+\.(email|address|join)\b)/g,
    refused: [
      ['activities/adapters/x.ts', `import { createTransport } from 'nodemailer'; send({ to: 'a@b.example' })`],
      ['activities/adapters/x.ts', "import { createTransport } from 'nodemailer'; send({ from: `${name} <${address}>` })"],
      ['activities/adapters/x.ts', `import { createTransport } from 'nodemailer'; send({ to: message.email })`],
      ['activities/adapters/x.ts', `import { createTransport } from 'nodemailer'; send({ bcc: list.join(',') })`],
    ],
    allowed: [
      [
        'activities/adapters/x.ts',
        `import { createTransport } from 'nodemailer'; send({ to: { name: '', address: to.email }, from: [sender] })`,
      ],
      ['domain/x.ts', `move({ from: 'new', to: 'closed' })`],
    ],
  },
  {
    name: 'time and chance are arguments in domain/ and workflows/',
    where: sandbox,
    but: /^(domain\/time|workflows\/support\/clock)\.ts$/,
    pattern: /\bDate\s*\.\s*\w+|\bnew\s+Date\b|\bDate\s*\(|\bMath\s*\.\s*random\b|\bperformance\s*\.\s*now\b/g,
    refused: [
      ['domain/x.ts', 'const at = Date.now();'],
      ['workflows/x.ts', 'const at = new Date(0);'],
      ['workflows/x.ts', 'if (Math.random() < 0.5) return;'],
      ['domain/sla/x.ts', 'Date.parse(text)'],
    ],
    allowed: [
      ['domain/time.ts', 'new Date(at).toISOString()'],
      ['workflows/support/clock.ts', 'Date.now()'],
      ['domain/x.ts', '// Date.now is not used\nconst dueDate = now + hour;'],
      ['api/x.ts', 'Date.now()'],
    ],
  },
  {
    name: 'the clock of the sandbox is read in one place, and only there',
    where: /^workflows\/support\/clock\.ts$|^domain\/time\.ts$/,
    pattern: /\bnew\s+Date\s*\(\s*\)|\bMath\s*\.\s*random\b|\bDate\s*\(\s*\)/g,
    refused: [['domain/time.ts', 'new Date()']],
    allowed: [['domain/time.ts', 'new Date(at)']],
  },
  {
    name: 'domain/time.ts turns instants into text and back; it does not read the clock',
    where: /^domain\/time\.ts$/,
    pattern: /\bDate\s*\.\s*now\b/g,
    refused: [['domain/time.ts', 'Date.now()']],
    allowed: [['domain/time.ts', 'Date.parse(text)']],
  },
  {
    name: 'nothing of the host in domain/ and workflows/',
    where: sandbox,
    pattern: /\bIntl\b|\btoLocale\w*|\bprocess\s*[.[]|\bglobalThis\b|['"]node:/g,
    refused: [
      ['domain/x.ts', 'new Intl.NumberFormat()'],
      ['workflows/x.ts', 'value.toLocaleString()'],
      ['workflows/x.ts', 'process.env.HOME'],
      ['workflows/x.ts', `import { x } from 'node:crypto'`],
    ],
    allowed: [
      ['workflows/x.ts', `// process.env is empty here\nconst kind = 'process';`],
      ['api/x.ts', `import { x } from 'node:crypto'`],
    ],
  },
  {
    name: 'modules of the sandbox keep no state: all workflows of a worker share them',
    where: sandbox,
    pattern:
      /^(?:export )?(?:let|var) .*|^(?:export )?const \w+(?:: (?!Readonly)[^=\n]+)? = (?:new (?:Map|Set)\b|\[\]|\{\};).*|^\s*static (?!readonly\b|async\b|\w+[(<]).*/gm,
    refused: [
      ['workflows/x.ts', 'let count = 0;'],
      ['domain/x.ts', 'export let last: string | undefined;'],
      ['domain/x.ts', 'const seen = new Set<string>();'],
      ['workflows/x.ts', 'const known: Map<string, number> = new Map();'],
      ['workflows/x.ts', 'export const waiting: string[] = [];'],
      ['workflows/x.ts', 'class Line {\n  static length = 0;\n}'],
    ],
    allowed: [
      ['workflows/x.ts', 'function life() {\n  let count = 0;\n  const seen = new Set();\n}'],
      ['domain/x.ts', "const wanted: ReadonlySet<string> = new Set(['a']);"],
      ['domain/x.ts', '// What follows from what never changes.\nconst plans = new WeakMap<Template, Plan>();'],
      ['workflows/x.ts', 'class Line {\n  static begin(): Line {}\n  static readonly longest = 3;\n}'],
      ['api/x.ts', 'let count = 0;'],
    ],
  },
  {
    name: 'the console belongs to local/, cli/ and bench/',
    where: code,
    but: /^(local|cli|bench|clients)\//,
    pattern: /\bconsole\s*\./g,
    refused: [
      ['api/x.ts', 'console.log(1)'],
      ['test/api/x.test.ts', 'console.error(1)'],
    ],
    allowed: [
      ['local/x.ts', 'console.log(1)'],
      ['cli/x.ts', 'console.error(1)'],
    ],
  },
  {
    name: 'T37: no secret is committed',
    where: anyText,
    comments: true,
    pattern:
      /-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{40,}|\bxox[abprs]-[\w-]{10,}|\b[sr]k_live_\w{16,}|\bSG\.[\w-]{16,}\.[\w-]{16,}|\bSK[0-9a-f]{32}\b|\bAIza[\w-]{35}|\bnpm_[A-Za-z0-9]{36}\b|\beyJ[\w-]{16,}\.eyJ[\w-]{16,}\.[\w-]{16,}|\busk_[\w-]{43}_[0-9a-f]{8}\b/g,
    unless: /canary|example|usk_AAECAwQF/i, // the last: bytes 0, 1, 2, … of a test vector
    refused: [
      ['docs/x.md', '-----BEGIN RSA PRIVATE KEY-----'],
      ['api/x.ts', '// AKIAABCDEFGHIJKLMNOP'],
      ['.env.example', `SECRET=ghp_${'a1B2'.repeat(9)}`],
      ['README.md', `usk_${'a'.repeat(43)}_00c0ffee`],
    ],
    allowed: [
      ['README.md', 'Authorization: Bearer usk_…'],
      ['test/x.ts', `usk_Canary${'a'.repeat(37)}_00c0ffee`],
    ],
  },
  {
    name: 'nothing is loaded from a public CDN',
    where: anyText,
    but: /^package-lock\.json$/,
    comments: true,
    pattern:
      /\/\/[\w.-]*(unpkg\.com|jsdelivr\.net|cdnjs\.|cdn\.|esm\.sh|skypack\.dev|googleapis\.com|gstatic\.com|bootstrapcdn\.com|polyfill\.io|jspm\.)/g,
    refused: [
      ['api/x.ts', '<script src="https://cdn.jsdelivr.net/npm/x">'],
      ['docs/x.md', 'https://unpkg.com/x'],
    ],
    allowed: [['docs/x.md', 'https://example.com/x']],
  },
  {
    name: 'a test is left out only with the reason in its name, in brackets; nothing runs alone',
    where: /^test\/.*\.ts$/,
    pattern: /\b(?:test|it|describe|suite|bench)\b[\w.]*\.(?:only\b|(?:skip|todo|fails|skipIf|runIf)\b[^\n]*)/g,
    unless: /\.(?:skip|todo|fails|skipIf|runIf)\b.*\([^()'"`]{8,}\)['"`]/,
    refused: [
      ['test/x.test.ts', `test.only('a rule', () => {})`],
      ['test/x.test.ts', `describe.skip('a rule', () => {})`],
      ['test/x.test.ts', `test.skipIf(old)('a rule', () => {})`],
      ['test/x.test.ts', `test.todo('a rule')`],
    ],
    allowed: [
      ['test/x.test.ts', `test.skip('a rule (waits for PostgreSQL 19)', () => {})`],
      ['test/x.test.ts', `test.skipIf(old)('a rule (needs Node 22 or later)', () => {})`],
      ['test/x.test.ts', `test('skips what is closed', () => {})`],
    ],
  },
  {
    name: 'types are imported and passed on by a statement of their own, which leaves nothing behind at run time',
    where: code,
    pattern: /\b(?:import|export)\s*\{[^}]*\btype\s+\w[^}]*\}\s*from\b/g,
    refused: [
      ['api/x.ts', `import { type X, y } from './x.js'`],
      ['api/x.ts', `export { y, type X } from './x.js'`],
    ],
    allowed: [
      ['api/x.ts', `import type { X } from './x.js'; import { type } from './y.js'`],
      ['api/x.ts', `export type { X } from './x.js'`],
    ],
  },
];

/** The text without comments, line for line. */
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' ')).replace(/(^|[\s;{}(),])\/\/[^\n]*/g, '$1');

function scan(rule: Rule, path: string, text: string): string[] {
  if (!rule.where.test(path) || rule.but?.test(path) === true) return [];
  const scanned = rule.comments || !code.test(path) ? text : withoutComments(text);
  if (rule.given && !rule.given.test(scanned)) return [];
  return [...scanned.matchAll(rule.pattern)]
    .filter(([match]) => rule.unless?.test(match) !== true)
    .map((match) => `${path}:${scanned.slice(0, match.index).split('\n').length}: ${match[0]}`);
}

// This file alone holds what the rules refuse.
const tree = files().filter((path) => anyText.test(path) && path !== 'test/repo/source-scan.test.ts');

describe.each(rules)('$name', (rule) => {
  test.each(rule.refused)('%s: %s is refused', (path, text) => expect(scan(rule, path, text)).toHaveLength(1));
  test.each(rule.allowed)('%s: %s passes', (path, text) => expect(scan(rule, path, text)).toEqual([]));
  test('in the whole tree', () => expect(tree.flatMap((path) => scan(rule, path, read(path)))).toEqual([]));
});

test('the scan sees the tree', () => {
  expect(tree).toEqual(expect.arrayContaining(['config.ts', 'package.json', '.gitignore', 'test/support/repo.ts']));
});
