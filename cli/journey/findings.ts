/** What is wrong with a template, for people. */
import type { Diagnostic } from '../../domain/journey/diagnostic.js';
import { counted } from './output.js';
import type { FileFault, TemplateFile } from './template-file.js';

/** Each finding with its place, why it matters and what to do. */
export const findingsText = (file: TemplateFile, findings: readonly Diagnostic[]): string =>
  findings
    .map(({ code, severity, path, message, why, fix }) => {
      const place = file.where(path);
      const at = place === null || place.line === 0 ? file.name : `${file.name}:${place.line}:${place.column}`;
      return `${at} ${severity} ${code} ${path}\n  ${message}\n  ${why} ${fix}`;
    })
    .join('\n');

export const countsText = (errors: readonly Diagnostic[], warnings: readonly Diagnostic[]): string =>
  `${counted(errors.length, 'error')}, ${counted(warnings.length, 'warning')}`;

/** Every fault on a line of its own: place, field, rule. */
export const faultsText = (faults: readonly FileFault[]): string =>
  faults
    .map(({ file, line, column, field, rule }) =>
      [line === 0 ? file : `${file}:${line}:${column}`, field, rule].filter((part) => part !== '').join(' '),
    )
    .join('\n');
