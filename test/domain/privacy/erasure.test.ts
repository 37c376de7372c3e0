/** Expectations are typed out from security.md, sections 1 and 6: two persons, one erasure, one proof. */
import { expect, test } from 'vitest';
import { addRows, confirm, erasureStages, reportText, withdraw } from '../../../domain/privacy/erasure.js';
import type { ErasureDecision, ErasureReport, ErasureState } from '../../../domain/privacy/erasure.js';

const asker = 'user/018f3b1e-0000-7000-8000-000000000020';
const other = 'user/018f3b1e-0000-7000-8000-000000000021';
const said = (decision: ErasureDecision): string => (decision.ok ? `${decision.state}${decision.isNew ? ', new' : ''}` : decision.code);
const request = (state: ErasureState) => ({ state, requestedBy: asker });

test.each<[ErasureState, string]>([
  ['waiting', 'running, new'],
  ['running', 'running'],
  ['done', 'done'],
  ['withdrawn', 'erasure_withdrawn'],
])('another person confirms one that is %s: %s', (state, outcome) => {
  expect(said(confirm(request(state), other))).toBe(outcome);
});

test.each<ErasureState>(['waiting', 'running', 'done', 'withdrawn'])('who asked never confirms, also when it is %s', (state) => {
  expect(said(confirm(request(state), asker))).toBe('requester_excluded');
});

test.each<[ErasureState, string]>([
  ['waiting', 'withdrawn, new'],
  ['withdrawn', 'withdrawn'],
  ['running', 'erasure_pending'],
  ['done', 'erased'],
])('taking back one that is %s: %s', (state, outcome) => {
  expect(said(withdraw(request(state)))).toBe(outcome);
});

test('journeys end before tickets, what is open before its texts go, and the person comes last', () => {
  expect(erasureStages).toEqual(['cancel_journeys', 'close_tickets', 'tickets', 'journeys', 'person']);
});

test('rows add up by table; where nothing was erased there is no line', () => {
  expect(addRows({ ticket: 2, content: 1 }, { content: 4, attachment: 3, journey: 0 })).toEqual({ ticket: 2, content: 5, attachment: 3 });
});

test('the report is canonical JSON, whatever the order it was counted in', () => {
  const report: ErasureReport = {
    erasure: 'e-1',
    customer: 'c-1',
    requestedBy: asker,
    requestedAt: Date.UTC(2026, 0, 15, 12),
    confirmedBy: other,
    confirmedAt: Date.UTC(2026, 0, 15, 13),
    erasedAt: Date.UTC(2026, 0, 15, 13, 0, 1, 5),
    rows: { ticket: 1, content: 2 },
    files: 3,
  };
  expect(reportText(report)).toBe(
    `{"confirmedAt":"2026-01-15T13:00:00.000Z","confirmedBy":"${other}","customer":"c-1","erasedAt":"2026-01-15T13:00:01.005Z","erasure":"e-1",` +
      `"files":3,"requestedAt":"2026-01-15T12:00:00.000Z","requestedBy":"${asker}","rows":{"content":2,"ticket":1}}`,
  );
  expect(reportText({ ...report, rows: { content: 2, ticket: 1 } })).toBe(reportText(report));
});
