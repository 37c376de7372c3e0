/** What the documents cite exists: paths in backticks (or the document tells its reader to save it), npm scripts, links to files. */
import { dirname, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { filesIn } from '../support/documents.js';
import { exists, files, read } from '../support/repo.js';

const Manifest = z.object({ scripts: z.record(z.string(), z.string()) });
const { scripts } = Manifest.parse(JSON.parse(read('package.json')));

const tree = files();
const tops = new Set(tree.map((path) => path.split('/')[0] ?? ''));
/** Folders a checkout may lack: planned by the layout, or made by a run. */
const layout = ['domain', 'workflows', 'activities', 'db', 'worker', 'api', 'journeys', 'cli', 'local', 'bench', 'docs', 'deploy', 'test'];
const made = /^(node_modules|dist|coverage|\.usher|bench\/results)(\/|$)/;

const withoutFences = (text: string): string => text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '');
const codeSpans = (text: string): string[] => [...withoutFences(text).matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);

/** Whether a span in backticks speaks of a file or folder of this repository. */
function isPath(span: string): boolean {
  if (!/^[\w.@*<>{}…/-]+$/.test(span) || made.test(span.replace(/^\.\//, ''))) return false;
  const [first = ''] = span.replace(/^\.\//, '').split('/');
  if (span.includes('/')) return layout.includes(first) || tops.has(first);
  return /^[\w.-]+\.(ts|mjs|cjs|json|md|ya?ml|html|sh)$/.test(span) || tops.has(span);
}

/** Whether a cited path is there: from the root, from the document, or, for a bare name, anywhere. */
function isThere(document: string, cited: string): boolean {
  const path = cited.replace(/^\.\//, '').replace(/\/$/, '');
  if (/[*<{…]/.test(path)) return tree.some((file) => patternOf(path).test(file));
  if (exists(path) || exists(posix.join(dirname(document), path))) return true;
  return !path.includes('/') && tree.some((file) => file.split('/').includes(path));
}

/** `*`, `…`, `<name>` and `{a,b}` stand for anything inside one folder. */
const patternOf = (path: string): RegExp => new RegExp(`^${path.replace(/[.]/g, '[.]').replace(/[*…]+|<[^>]*>|\{[^}]*\}/g, '[^/]+')}(/|$)`);

const citedPaths = (text: string): string[] => codeSpans(text).filter(isPath);
const citedScripts = (text: string): string[] =>
  [...text.matchAll(/\bnpm (?:run (?:-\S+ )*([\w:.-]+)|(start|test)\b)/g)].map(([, script, short]) => script ?? short ?? '');
const citedFiles = (text: string): string[] =>
  [...withoutFences(text).matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link).filter((link) => !/^[a-z]+:/.test(link));

const missing = (document: string, text: string): string[] => [
  ...citedPaths(text).filter((path) => !isThere(document, path) && !filesIn(text).has(path)),
  ...citedScripts(text).filter((script) => !(script in scripts)),
  ...citedFiles(text).filter((link) => !exists(posix.join(dirname(document), link))),
];

describe('the check itself', () => {
  test.each([
    ['a file', '`config.ts`'],
    ['a bare name', '`source-scan.test.ts`'],
    ['a file in a folder', '`test/support/repo.ts` and `./logger.ts`'],
    ['a folder', '`test/repo/` or `test`'],
    ['a pattern', '`test/*/repo.ts`, `test/<kind>/docs.test.ts`'],
    ['a script', '`npm run verify`, `npm test`, `npm run -s lint`'],
    ['a file to be saved', 'Save `a.yaml`:\n\n<!-- file a.yaml -->\n\n```yaml\na: 1\n```\n'],
    ['a link', '[licence](LICENSE) and [elsewhere](https://example.com/x)'],
    ['no path', '`ticket.resolved`, `POST /v1/tickets`, `text/html`, `TKT-1`, `dist/api/main.js`, `--flag`, `usher-core`'],
    ['an address', '`127.0.0.1:3000`, `https://example.com/config.ts`'],
  ])('%s passes', (_, text) => expect(missing('README.md', text)).toEqual([]));

  test.each([
    ['a file', '`confg.ts`'],
    ['a file in a folder', 'see `domain/no-such-file.ts`'],
    ['a folder', '`test/no-such-folder/`'],
    ['a pattern', '`test/*/no-such-file.ts`'],
    ['a script', '```\nnpm run no-such-script\n```'],
    ['a link', '[x](no-such-file.md)'],
  ])('%s that is not there is found', (_, text) => expect(missing('README.md', text)).toHaveLength(1));

  test('paths are also sought from the document', () => expect(missing('test/repo/x.md', '`docs.test.ts` [x](docs.test.ts)')).toEqual([]));
});

const documents = tree.filter((path) => /^(README|ARCHITECTURE|CONTRIBUTING)\.md$|^docs\/.*\.md$/.test(path));

test('the documents are found', () => expect(documents).toContain('CONTRIBUTING.md'));

test.each(documents)('%s cites what exists', (document) => expect(missing(document, read(document))).toEqual([]));
