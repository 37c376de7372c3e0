import { describe, expect, test } from 'vitest';
import { marksOf } from '../../../domain/messaging/automatic.js';
import { parseHeaders } from '../../../domain/messaging/headers.js';

const marks = (block: string, sender: string | null = 'ann@example.org'): string[] =>
  marksOf({ headers: parseHeaders(block), sender, domain: 'desk.example' });

// service-desk.md, section 3: every mark of automatic mail, and what looks like one.
describe('G7 automatic mail', () => {
  test.each([
    ['Auto-Submitted: auto-replied', 'auto_submitted'],
    ['auto-submitted: AUTO-GENERATED; owner-email="a@b"', 'auto_submitted'],
    ['Auto-Submitted: auto-notified (a comment)', 'auto_submitted'],
    ['Auto-Submitted: no\r\nAuto-Submitted: auto-replied', 'auto_submitted'],
    ['Auto-Submitted:', 'auto_submitted'],
    ['Precedence: bulk', 'precedence'],
    ['Precedence: Junk', 'precedence'],
    ['Precedence: list', 'precedence'],
    ['List-Id: <announce.example.org>', 'list_id'],
    ['X-Autoreply: yes', 'autoreply'],
    ['X-Auto-Response-Suppress: All', 'auto_response_suppress'],
    ['Return-Path: <>', 'null_return_path'],
    ['Return-Path:   < >  ', 'null_return_path'],
    ['Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=x', 'report'],
    ['Content-Type: Multipart/Report', 'report'],
    ['X-Usher-Loop: TKT-00000000', 'own_loop'],
  ])('%j is one', (block, mark) => {
    expect(marks(block)).toEqual([mark]);
  });

  test.each([
    [''],
    ['Auto-Submitted: no'],
    ['Auto-Submitted: No; reason=x'],
    ['Precedence: first-class'],
    ['Return-Path: <ann@example.org>'],
    ['Return-Path: <ann@example.org>\r\nReturn-Path: <>'],
    ['Content-Type: text/plain'],
    ['Content-Type: multipart/reporting'],
    ['Subject: Auto-Submitted: auto-replied'],
  ])('%j is none', (block) => {
    expect(marks(block)).toEqual([]);
  });

  test('our own mailboxes never write to us', () => {
    expect(marks('', 'support+demo@desk.example')).toEqual(['own_mailbox']);
    expect(marks('', 'Support+Demo@DESK.example')).toEqual(['own_mailbox']);
    expect(marks('', 'support+demo@other.example')).toEqual([]);
    expect(marks('', null)).toEqual([]);
  });

  test('all marks are told, in one order', () => {
    expect(marks('X-Usher-Loop: x\r\nList-Id: x\r\nAuto-Submitted: auto-replied')).toEqual(['auto_submitted', 'list_id', 'own_loop']);
  });
});
