/** Tables of a document, to be held against what they tell of. */

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A bar within a cell is written with a backslash. */
const cellsOf = (line: string): string[] =>
  line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('\\', ''));

/** The tables below a heading and above the next one, in order. */
export function tablesUnder(document: string, heading: string): Table[] {
  const from = document.split('\n').indexOf(heading);
  if (from < 0) throw new Error(`no heading ${heading}`);
  const section = document
    .split('\n')
    .slice(from + 1)
    .join('\n')
    .split(/^#/m, 1)
    .join('');
  return [...section.matchAll(/(?:^\|.*\|\n)+/gm)].map(([text]) => {
    const [head = '', , ...rows] = text.trimEnd().split('\n');
    return { head: cellsOf(head), rows: rows.map(cellsOf) };
  });
}

/** The only table, or one of several. */
export function tableUnder(document: string, heading: string, index = 0): Table {
  const table = tablesUnder(document, heading)[index];
  if (table === undefined) throw new Error(`no table ${index + 1} under ${heading}`);
  return table;
}

/** What stands in backticks. */
export const spansIn = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);

/** What stands in backticks in the first cells. */
export const namesIn = ({ rows }: Table): string[] => rows.flatMap(([first = '']) => spansIn(first));
