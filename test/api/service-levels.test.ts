import { describe, expect, test } from 'vitest';
import { findProduct } from '../../db/queries/configuration.js';
import { demo, secondTeam, useStage } from './support.js';
import type { Reply, Who } from './support.js';

const stage = useStage();

const hours = [['09:00', '17:00']];
const week = { zone: 'Europe/Berlin', weekly: { mon: hours, tue: hours, wed: hours, thu: hours, fri: hours } };
const calendars = '/v1/sla/calendars';
const sets = '/v1/sla/policy-sets';

const policy = (changes: Record<string, unknown> = {}) => ({
  id: 'standard',
  name: 'Standard',
  calendar: { use: 'policy', id: '24x7' },
  targets: { resolution: { low: 28_800, medium: 28_800, high: 28_800, urgent: 28_800 } },
  ...changes,
});

const post = (path: string, body: unknown, who: Who = 'admin', headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call(who, 'POST', path, body, headers);
const get = (path: string, who: Who = 'admin', headers: Record<string, string> = {}): Promise<Reply> =>
  stage.call(who, 'GET', path, undefined, headers);

let count = 0;
/** A calendar of its own for a test. */
async function aCalendar(changes: Record<string, unknown> = {}): Promise<string> {
  count += 1;
  const made = await post(calendars, { id: `c${count}`, name: 'Office hours', ...week, ...changes });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return `c${count}`;
}

async function publish(...policies: unknown[]): Promise<number> {
  const made = await post(sets, { policies });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made.body.revision;
}

const faults = ({ body }: Reply): [string, string][] =>
  body.errors.map((error: { pointer: string; code: string }) => [error.pointer, error.code]);

describe('calendars', () => {
  test('are made, read and revised', async () => {
    const made = await post(calendars, { id: 'berlin', name: 'Berlin', ...week });
    expect([made.status, made.headers.get('location'), made.headers.get('etag')]).toEqual([201, '/v1/sla/calendars/berlin', '"1"']);
    expect(made.body).toMatchObject({ id: 'berlin', name: 'Berlin', revision: 1, ...week, overrides: {}, retiredAt: null });
    const revised = await post(`${calendars}/berlin/revisions`, { ...week, overrides: { '2026-12-25': [] } });
    expect([revised.status, revised.headers.get('etag'), revised.body.revision]).toEqual([201, '"2"', 2]);
    const read = await get(`${calendars}/berlin`, 'agent');
    expect(read.body).toEqual(revised.body);
    expect((await get(`${calendars}/berlin`, 'agent', { 'if-none-match': '"2"' })).status).toBe(304);
  });

  test('are listed by id, page by page', async () => {
    const ids = [await aCalendar(), await aCalendar(), await aCalendar()].toSorted((a, b) => (a < b ? -1 : 1));
    const seen: string[] = [];
    for (let path = `${calendars}?limit=2`; path !== '';) {
      const { body } = await get(path, 'lead');
      seen.push(...body.data.map((calendar: { id: string }) => calendar.id));
      path = body.page.hasMore ? `${calendars}?limit=2&cursor=${encodeURIComponent(body.page.next)}` : '';
    }
    expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => (a < b ? -1 : 1)));
    expect(seen).toEqual(expect.arrayContaining(ids));
    expect((await get(`${calendars}?cursor=x`)).body.code).toBe('cursor_invalid');
    expect((await get(`${calendars}?colour=red`)).body.code).toBe('unknown_parameter');
  });

  test('an id is taken once, and 24x7 always is', async () => {
    const id = await aCalendar();
    expect((await post(calendars, { id, name: 'Again', ...week })).body.code).toBe('calendar_taken');
    expect((await post(calendars, { id: '24x7', name: 'Mine', ...week })).body.code).toBe('calendar_taken');
  });

  test('24x7 can be read and not changed', async () => {
    expect((await get(`${calendars}/24x7`)).body).toMatchObject({ id: '24x7', revision: 1, zone: 'UTC', createdAt: null });
    for (const path of ['revisions', 'retire']) {
      expect((await post(`${calendars}/24x7/${path}`, path === 'retire' ? undefined : week)).body.code).toBe('still_in_use');
    }
    expect((await stage.call('admin', 'DELETE', `${calendars}/24x7`, undefined, { 'if-match': '"1"' })).body.code).toBe('still_in_use');
  });

  test.each<[string, Record<string, unknown>, [string, string][]]>([
    ['never opens', { weekly: {} }, [['/weekly', 'never_open']]],
    ['has 25:00', { weekly: { mon: [['09:00', '25:00']] } }, [['/weekly/mon/0/1', 'close_time']]],
    ['has 18:60', { weekly: { mon: [['09:00', '18:60']] } }, [['/weekly/mon/0/1', 'close_time']]],
    ['opens at 24:00', { weekly: { mon: [['24:00', '18:00']] } }, [['/weekly/mon/0/0', 'open_time']]],
    ['overlaps', { weekly: { mon: [['09:00', '12:00'], ['11:00', '13:00']] } }, [['/weekly/mon/1', 'overlap']]], // prettier-ignore
    ['has an empty interval', { weekly: { mon: [['09:00', '09:00']] } }, [['/weekly/mon/0', 'empty_interval']]],
    ['has no such date', { overrides: { '2026-02-30': [] } }, [['/overrides/2026-02-30', 'unknown_date']]],
    ['is nowhere, and never open', { zone: 'Europe/Nowhere', weekly: {} }, [['/zone', 'unknown_zone'], ['/weekly', 'never_open']]], // prettier-ignore
  ])('one that %s is refused with every fault, and by the check in advance', async (_what, changes, expected) => {
    const body = { ...week, ...changes };
    const refused = await post(calendars, { id: 'bad', name: 'Bad', ...body });
    expect([refused.status, refused.body.code, faults(refused)]).toEqual([422, 'calendar_invalid', expected]);
    const id = await aCalendar();
    expect((await post(`${calendars}/${id}/revisions`, body)).body.code).toBe('calendar_invalid');
    const checked = await post(`${calendars}/validate`, body);
    expect([checked.status, checked.body.isValid, faults(checked)]).toEqual([200, false, expected]);
    expect((await get(`${calendars}/bad`)).status).toBe(404);
  });

  test('one without fault passes the check, and nothing is kept of it', async () => {
    expect((await post(`${calendars}/validate`, week)).body).toEqual({ isValid: true, errors: [] });
  });

  test('a field that does not exist is named', async () => {
    expect(faults(await post(calendars, { id: 'x', name: 'X', ...week, holidays: [] }))).toEqual([['/holidays', 'unknown_field']]);
    expect(faults(await post(calendars, { id: 'X y', name: '', ...week }))).toEqual([
      ['/id', 'invalid_format'],
      ['/name', 'too_small'],
    ]);
  });

  test('a revision is published only over the one its author has read', async () => {
    const id = await aCalendar();
    const path = `${calendars}/${id}/revisions`;
    expect((await post(path, week, 'admin', { 'if-match': '"1"' })).status).toBe(201);
    const late = await post(path, week, 'admin', { 'if-match': '"1"' });
    expect([late.status, late.body.code, late.body.current]).toEqual([412, 'version_mismatch', 2]);
    expect((await post(path, week, 'admin', { 'if-match': 'W/x' })).status).toBe(412);
    expect((await post(`${calendars}/nowhere/revisions`, week)).status).toBe(404);
  });

  test('the same key is one revision', async () => {
    const id = await aCalendar();
    const key = { 'idempotency-key': `revise-${id}` };
    const first = await post(`${calendars}/${id}/revisions`, week, 'admin', key);
    const again = await post(`${calendars}/${id}/revisions`, week, 'admin', key);
    expect([first.headers.get('idempotency-lookup'), again.headers.get('idempotency-lookup')]).toEqual(['miss', 'hit']);
    expect(again.body).toEqual(first.body);
    expect((await get(`${calendars}/${id}`)).body.revision).toBe(2);
    const made = { id: 'keyed', name: 'Keyed', ...week };
    expect((await post(calendars, made, 'admin', { 'idempotency-key': 'keyed' })).status).toBe(201);
    expect((await post(calendars, made, 'admin', { 'idempotency-key': 'keyed' })).status).toBe(201);
    expect((await post(calendars, made, 'admin', { 'idempotency-key': 'other' })).body.code).toBe('calendar_taken');
  });

  test('one that nothing uses can go, when its revision is known', async () => {
    const id = await aCalendar();
    const remove = (headers: Record<string, string> = {}) => stage.call('admin', 'DELETE', `${calendars}/${id}`, undefined, headers);
    expect((await remove()).body.code).toBe('version_required');
    expect((await remove({ 'if-match': '"7"' })).body).toMatchObject({ code: 'version_mismatch', current: 1 });
    expect((await remove({ 'if-match': '"1"' })).status).toBe(204);
    expect((await remove({ 'if-match': '"1"' })).status).toBe(404);
    expect((await get(`${calendars}/${id}`)).status).toBe(404);
  });

  test('one that is in use stays, and can be retired: then no policy may take it', async () => {
    const id = await aCalendar();
    const used = policy({ calendar: { use: 'policy', id } });
    await publish(used);
    await publish();
    // An old revision of the policies still runs tickets.
    const refused = await stage.call('admin', 'DELETE', `${calendars}/${id}`, undefined, { 'if-match': '"1"' });
    expect([refused.status, refused.body.code]).toEqual([409, 'still_in_use']);
    const retired = await post(`${calendars}/${id}/retire`, undefined);
    expect([retired.status, typeof retired.body.retiredAt]).toEqual([200, 'string']);
    expect((await post(`${calendars}/${id}/retire`, undefined)).body.retiredAt).toBe(retired.body.retiredAt);
    expect(faults(await post(sets, { policies: [used] }))).toEqual([['/policies/0/calendar/id', 'retired_calendar']]);
    expect((await post(`${calendars}/${id}/revisions`, week)).status).toBe(201);
  });

  test('a revision under which a target could not be met any more is refused', async () => {
    const id = await aCalendar();
    const revision = await publish(policy({ calendar: { use: 'policy', id } }));
    const refused = await post(`${calendars}/${id}/revisions`, { zone: 'UTC', weekly: { mon: [['09:00', '09:01']] } });
    expect([refused.status, refused.body.code]).toEqual([422, 'sla_horizon_exceeded']);
    expect(refused.body.errors).toHaveLength(4);
    expect(refused.body.errors[0].message).toBe(
      `leaves /policies/0/targets/resolution/low of policy set ${revision} more than five years away`,
    );
    await publish();
    expect((await post(`${calendars}/${id}/revisions`, { zone: 'UTC', weekly: { mon: [['09:00', '09:01']] } })).status).toBe(201);
  });

  test('windows of a revision, half-open, in UTC', async () => {
    const id = await aCalendar();
    await post(`${calendars}/${id}/revisions`, { ...week, overrides: { '2026-03-30': [] } });
    // The clocks change on Sunday 29 March.
    const range = 'from=2026-03-27T00:00:00Z&until=2026-04-01T08:00:00.000Z';
    const windows = await get(`${calendars}/${id}/windows?${range}`, 'agent');
    expect(windows.body).toEqual({
      calendar: id,
      revision: 2,
      from: '2026-03-27T00:00:00.000Z',
      until: '2026-04-01T08:00:00.000Z',
      windows: [
        { open: '2026-03-27T08:00:00.000Z', close: '2026-03-27T16:00:00.000Z' },
        { open: '2026-03-31T07:00:00.000Z', close: '2026-03-31T15:00:00.000Z' },
        { open: '2026-04-01T07:00:00.000Z', close: '2026-04-01T08:00:00.000Z' },
      ],
      zoneData: process.versions['tz'],
    });
    expect((await get(`${calendars}/${id}/windows?${range}&revision=1`)).body.windows).toHaveLength(4);
    expect((await get(`${calendars}/${id}/windows?${range}&revision=3`)).status).toBe(404);
    expect((await get(`${calendars}/24x7/windows?${range}`)).body.windows).toHaveLength(1);
    expect((await get(`${calendars}/24x7/windows?${range}&revision=2`)).status).toBe(404);
    for (const wrong of ['from=2026-03-27T00:00:00Z', 'from=now&until=later', `${range}&revision=0`]) {
      expect((await get(`${calendars}/${id}/windows?${wrong}`)).body.code).toBe('unknown_parameter');
    }
    for (const until of ['2026-03-27T00:00:00Z', '2026-03-26T00:00:00Z', '2028-03-27T00:00:00Z']) {
      const reply = await get(`${calendars}/${id}/windows?from=2026-03-27T00:00:00Z&until=${until}`);
      expect([reply.status, faults(reply)]).toEqual([400, [['until', 'invalid']]]);
    }
  });

  test('a preview says when budgets would be used up', async () => {
    const utc = { ...week, zone: 'UTC' };
    const samples = [
      { start: '2024-01-19T16:00:00Z', budgetS: 7_200 },
      { start: '2024-01-15T16:00:00.000Z', budgetS: 36_000 },
      { start: '2024-01-15T16:00:00Z', budgetS: 0 },
      { start: '2024-01-15T16:00:00Z', budgetS: 1_000_000_000 },
    ];
    const preview = await post(`${calendars}/preview`, { calendar: utc, samples }, 'agent');
    expect(preview.body.samples).toEqual([
      { start: '2024-01-19T16:00:00.000Z', budgetS: 7_200, dueAt: '2024-01-22T10:00:00.000Z', code: null },
      { start: '2024-01-15T16:00:00.000Z', budgetS: 36_000, dueAt: '2024-01-17T10:00:00.000Z', code: null },
      { start: '2024-01-15T16:00:00.000Z', budgetS: 0, dueAt: null, code: 'policy_invalid' },
      { start: '2024-01-15T16:00:00.000Z', budgetS: 1_000_000_000, dueAt: null, code: 'sla_horizon_exceeded' },
    ]);
    const bad = await post(`${calendars}/preview`, { calendar: { ...utc, weekly: {} }, samples });
    expect([bad.status, faults(bad)]).toEqual([422, [['/calendar/weekly', 'never_open']]]);
  });

  test('holidays of a file become overrides, which a revision takes', async () => {
    const year = new Date().getUTCFullYear() + 1;
    const lines = ['BEGIN:VEVENT', 'UID:1', 'SUMMARY:Day off', `DTSTART;VALUE=DATE:${year}0105`, 'END:VEVENT'];
    const timed = ['BEGIN:VEVENT', 'UID:2', 'SUMMARY:Lunch', `DTSTART:${year}0105T110000Z`, 'END:VEVENT'];
    const ical = ['BEGIN:VCALENDAR', ...lines, ...timed, 'END:VCALENDAR', ''].join('\r\n');
    const read = await post(`${calendars}/import`, { ical });
    expect(read.body).toEqual({
      overrides: { [`${year}-01-05`]: [] },
      holidays: [{ date: `${year}-01-05`, name: 'Day off' }],
      skipped: [{ name: 'Lunch', reason: 'not_all_day' }],
    });
    const id = await aCalendar();
    expect((await post(`${calendars}/${id}/revisions`, { ...week, overrides: read.body.overrides })).status).toBe(201);
    const bad = await post(`${calendars}/import`, { ical: 'no calendar' });
    expect([bad.status, bad.body.code, faults(bad)]).toEqual([422, 'calendar_invalid', [['/ical', 'unreadable']]]);
  });
});

describe('policy sets', () => {
  test('are published as revisions, completed, and read back', async () => {
    const id = await aCalendar();
    const given = policy({ calendar: { use: 'policy', id }, match: [{ field: 'product', op: 'in', values: ['demo'] }] });
    const made = await post(sets, { policies: [given, policy({ id: 'rest' })], mode: 'new_tickets' });
    const { revision } = made.body;
    expect([made.status, made.headers.get('location'), made.headers.get('etag')]).toEqual([201, `${sets}/${revision}`, `"${revision}"`]);
    expect(made.body.policies[0]).toEqual({
      ...given,
      pause: 'default',
      pauseOnApproval: [],
      reopen: 'resume',
      counts: { bot: false, call: false, firstInNext: false },
      rungs: [],
    });
    expect(made.body).toMatchObject({ mode: 'new_tickets', createdBy: `user/${demo.admin}` });
    expect((await get(`${sets}/current`, 'agent')).body).toEqual(made.body);
    expect((await get(`${sets}/${revision}`, 'lead')).body).toEqual(made.body);
    expect((await get(`${sets}/current`, 'agent', { 'if-none-match': `"${revision}"` })).status).toBe(304);
    expect((await get(`${sets}/${revision}`, 'agent', { 'if-none-match': `"${revision}"` })).status).toBe(304);
    const next = await publish();
    expect(next).toBe(revision + 1);
    expect((await get(`${sets}/${revision}`)).body).toEqual(made.body);
    const { body } = await get(`${sets}?limit=1`);
    expect(body.data).toMatchObject([{ revision: next, policies: [] }]);
    const second = await get(`${sets}?limit=1&cursor=${encodeURIComponent(body.page.next)}`);
    expect(second.body.data).toMatchObject([{ revision, policies: ['standard', 'rest'] }]);
  });

  test('a revision nobody published is not there', async () => {
    for (const revision of ['9999', '0', '-1', 'x', '99999999999']) expect((await get(`${sets}/${revision}`)).status, revision).toBe(404);
  });

  test('a new set is what new tickets run under, in its tenant only', async () => {
    const revision = await publish(policy());
    expect((await stage.sql((tx) => findProduct(tx, demo.tenant, 'demo')))?.policySet).toBe(revision);
    expect((await get(`${sets}/current`, 'foreign')).status).toBe(404);
    expect((await get(`${sets}/${revision}`, 'foreign')).status).toBe(404);
    expect((await get(sets, 'foreign')).body.data).toEqual([]);
  });

  test('calendars, users and teams of another tenant do not exist', async () => {
    const id = await aCalendar();
    expect((await get(`${calendars}/${id}`, 'foreign')).status).toBe(404);
    expect((await get(`${calendars}/${id}/windows?from=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z`, 'foreign')).status).toBe(404);
    expect((await post(`${calendars}/${id}/retire`, undefined, 'foreign')).status).toBe(404);
    expect((await post(`${calendars}/${id}/revisions`, week, 'foreign')).status).toBe(404);
    expect((await get(calendars, 'foreign')).body.data).toEqual([]);
    const rungs = [
      {
        id: 'r',
        clock: 'resolution',
        when: 'at_breach',
        actions: [{ notify: { to: [`user:${demo.admin}`, `team:${demo.team}`], channel: 'email' } }],
      },
    ];
    expect(faults(await post(sets, { policies: [policy({ calendar: { use: 'policy', id }, rungs })] }, 'foreign'))).toEqual([
      ['/policies/0/calendar/id', 'unknown_calendar'],
      ['/policies/0/rungs/0/actions/0/notify/to/0', 'unknown_user'],
      ['/policies/0/rungs/0/actions/0/notify/to/1', 'unknown_team'],
    ]);
  });

  test('a set is published only over the one its author has read', async () => {
    const current = await publish();
    const late = await post(sets, { policies: [] }, 'admin', { 'if-match': `"${current - 1}"` });
    expect([late.status, late.body.current]).toEqual([412, current]);
    expect((await post(sets, { policies: [] }, 'admin', { 'if-match': `"${current}"` })).body.revision).toBe(current + 1);
  });

  test('the same key is one revision, and another body with it is refused', async () => {
    const key = { 'idempotency-key': 'publish' };
    const first = await post(sets, { policies: [policy()] }, 'admin', key);
    const again = await post(sets, { policies: [policy()] }, 'admin', key);
    expect([again.status, again.headers.get('idempotency-lookup'), again.body]).toEqual([201, 'hit', first.body]);
    expect((await post(sets, { policies: [] }, 'admin', key)).body.code).toBe('idempotency_key_reused');
    expect((await get(`${sets}/current`)).body.revision).toBe(first.body.revision);
  });

  const rung = (changes: Record<string, unknown>) =>
    policy({
      rungs: [
        {
          id: 'r',
          clock: 'resolution',
          when: { percent: 75 },
          actions: [{ notify: { to: ['assignee'], channel: 'email' } }],
          ...changes,
        },
      ],
    });
  const notify = (...to: string[]) => rung({ actions: [{ notify: { to, channel: 'email' } }] });
  const at = '/policies/0/rungs/0';

  test.each<[unknown, [string, string][]]>([
    [rung({ when: { before: 28_800 } }), [[`${at}/when/before`, 'before_target']]],
    [rung({ when: { percent: 0 } }), [[`${at}/when/percent`, 'percent_range']]],
    [rung({ clock: 'first_response' }), [[`${at}/clock`, 'no_target']]],
    [rung({ level: 10 }), [[`${at}/level`, 'level_range']]],
    [policy({ targets: { resolution: { high: 0 } } }), [['/policies/0/targets/resolution/high', 'not_positive']]],
    [policy({ calendar: { use: 'team', fallback: 'nowhere' } }), [['/policies/0/calendar/fallback', 'unknown_calendar']]],
    [notify(), [[`${at}/actions/0/notify/to`, 'no_addressee']]],
    [notify('role:boss'), [[`${at}/actions/0/notify/to/0`, 'unknown_role']]],
    [notify(`user:${secondTeam}`), [[`${at}/actions/0/notify/to/0`, 'unknown_user']]],
    [notify('on-call'), [[`${at}/actions/0/notify/to`, 'names_nobody']]],
    [policy({ match: [{ field: 'product', op: 'in', values: ['gone'] }] }), [['/policies/0/match/0/values/0', 'unknown_product']]],
    [
      { ...rung({ when: { percent: 101 }, actions: [] }), targets: { resolution: { high: -1 } } },
      [
        ['/policies/0/targets/resolution/high', 'not_positive'],
        [`${at}/when/percent`, 'percent_range'],
        [`${at}/actions`, 'no_action'],
      ],
    ],
  ])('%j is refused with every fault, and nothing is published', async (bad, expected) => {
    const before = (await get(sets)).body.data[0]?.revision;
    const refused = await post(sets, { policies: [bad] });
    expect([refused.status, refused.body.code, faults(refused)]).toEqual([422, 'policy_invalid', expected]);
    const checked = await post(`${sets}/validate`, { policies: [bad] });
    expect([checked.status, checked.body.isValid, faults(checked)]).toEqual([200, false, expected]);
    expect((await get(sets)).body.data[0]?.revision).toBe(before);
  });

  test('a target beyond the horizon has a code of its own, unless more is wrong', async () => {
    const id = await aCalendar({ weekly: { tue: [['09:00', '09:01']] } });
    const far = { calendar: { use: 'policy', id }, targets: { resolution: { high: 28_800, low: 60 } } };
    const refused = await post(sets, { policies: [policy(far)] });
    expect([refused.status, refused.body.code, faults(refused)]).toEqual([
      422,
      'sla_horizon_exceeded',
      [['/policies/0/targets/resolution/high', 'sla_horizon_exceeded']],
    ]);
    expect((await post(sets, { policies: [policy(far), policy()] })).body.code).toBe('policy_invalid');
  });

  test('a set without fault passes the check, and is not published by it', async () => {
    const before = (await get(sets)).body.data[0]?.revision;
    expect((await post(`${sets}/validate`, { policies: [policy()] })).body).toEqual({ isValid: true, errors: [] });
    expect((await get(sets)).body.data[0]?.revision).toBe(before);
  });

  test('what has the wrong form is named before any rule is asked', async () => {
    const wrong = policy({ rungs: [{ id: 'r', clock: 'resolution', when: { days: 1 }, actions: [{ shout: {} }] }], extra: 1 });
    const refused = await post(sets, { policies: [wrong], mode: 'sometimes' });
    expect([refused.status, refused.body.code]).toEqual([400, 'invalid_request']);
    expect(faults(refused).map(([pointer]) => pointer)).toEqual(
      expect.arrayContaining(['/policies/0/rungs/0/when', '/policies/0/extra', '/mode']),
    );
  });

  test('two who publish at once get two revisions', async () => {
    const made = await Promise.all([1, 2, 3].map(() => post(sets, { policies: [policy()] })));
    const revisions = made.map(({ body }) => Number(body.revision)).toSorted((a, b) => a - b);
    expect(revisions).toEqual([0, 1, 2].map((n) => n + (revisions[0] ?? 0)));
  });
});

const explain = (changes: Record<string, unknown> = {}, who: Who = 'agent'): Promise<Reply> =>
  post('/v1/sla/explain', { product: 'demo', priority: 'high', at: '2026-07-20T14:00:00.500Z', ...changes }, who);

describe('explanation', () => {
  test('says which policy matches, why not the others, and when its clocks are due', async () => {
    const id = await aCalendar({ zone: 'UTC' });
    const set = await publish(
      policy({
        id: 'gold',
        match: [
          { field: 'customer_tier', op: 'in', values: ['gold'] },
          { field: 'tags', op: 'none', values: ['spam'] },
        ],
      }),
      policy({ id: 'phone', match: [{ field: 'channel', op: 'in', values: ['phone'] }] }),
      policy({ calendar: { use: 'policy', id }, targets: { resolution: { high: 18_000 }, first_response: { high: 3_600, low: 60 } } }),
    );
    const { body } = await explain();
    expect(body).toMatchObject({ set, policy: 'standard', calendar: { id, revision: 1 } });
    expect(body.policies.map(({ policy: name, matches, failed }: never) => [name, matches, (failed as unknown[]).length])).toEqual([
      ['gold', false, 1],
      ['phone', false, 1],
      ['standard', true, 0],
    ]);
    expect(body.policies[0].failed).toEqual([{ field: 'customer_tier', op: 'in', values: ['gold'] }]);
    expect(body.clocks).toEqual([
      {
        kind: 'first_response',
        startAt: '2026-07-20T14:00:00.000Z',
        budgetS: 3_600,
        dueAt: '2026-07-20T15:00:00.000Z',
        code: null,
        walk: [{ from: '2026-07-20T14:00:00.000Z', until: '2026-07-20T15:00:00.000Z', openS: 3_600, leftS: 0 }],
      },
      {
        kind: 'resolution',
        startAt: '2026-07-20T14:00:00.000Z',
        budgetS: 18_000,
        dueAt: '2026-07-21T11:00:00.000Z',
        code: null,
        walk: [
          { from: '2026-07-20T14:00:00.000Z', until: '2026-07-20T17:00:00.000Z', openS: 10_800, leftS: 7_200 },
          { from: '2026-07-21T09:00:00.000Z', until: '2026-07-21T11:00:00.000Z', openS: 7_200, leftS: 0 },
        ],
      },
    ]);
    expect((await explain({ customerTier: 'gold' })).body).toMatchObject({ policy: 'gold', calendar: { id: '24x7', revision: 1 } });
    expect((await explain({ customerTier: 'gold', tags: ['spam'], channel: 'phone' })).body.policy).toBe('phone');
  });

  test('takes the calendar of the team', async () => {
    const [fallback, ofTeam] = [await aCalendar(), await aCalendar()];
    await publish(policy({ calendar: { use: 'team', fallback } }));
    await stage.sql((tx) => tx.updateTable('team').set({ calendarId: ofTeam }).where('id', '=', demo.team).execute());
    expect((await explain({ team: demo.team })).body.calendar.id).toBe(ofTeam);
    expect((await explain({ team: secondTeam })).body.calendar.id).toBe(fallback);
    expect((await explain()).body.calendar.id).toBe(fallback);
    await stage.sql((tx) => tx.updateTable('team').set({ calendarId: null }).where('id', '=', demo.team).execute());
  });

  test('says so when no policy matches, or there is none', async () => {
    const set = await publish(policy({ match: [{ field: 'priority', op: 'in', values: ['urgent'] }] }));
    expect((await explain()).body).toMatchObject({ set, policy: null, calendar: null, clocks: [] });
    expect((await explain({}, 'foreign')).body).toEqual({ set: 0, policy: null, calendar: null, policies: [], clocks: [] });
  });

  test('asks about now when no instant is given', async () => {
    await publish(policy());
    const { body } = await post('/v1/sla/explain', { product: 'demo', priority: 'high' });
    expect(Math.abs(Date.parse(body.clocks[0].startAt) - Date.now())).toBeLessThan(60_000);
  });

  test('knows only products and teams that are there for the reader', async () => {
    expect((await explain({ product: 'gone' })).body).toMatchObject({ code: 'unknown_reference', pointer: '/product' });
    expect((await explain({ product: 'second' })).body).toMatchObject({ code: 'unknown_reference', pointer: '/product' });
    expect((await explain({ product: 'second' }, 'admin')).status).toBe(200);
    expect((await explain({ team: demo.lead })).body).toMatchObject({ code: 'unknown_reference', pointer: '/team' });
  });
});

describe('the fallback recipient', () => {
  const path = '/v1/sla/settings';
  const put = (fallbackRecipient: string | null, etag: string | null) =>
    stage.call('admin', 'PUT', path, { fallbackRecipient }, etag === null ? {} : { 'if-match': etag });
  const etag = async (): Promise<string> => (await get(path)).headers.get('etag') ?? '';

  test('is set by revision, and is a user of the tenant', async () => {
    expect((await get(path, 'agent')).body).toEqual({ fallbackRecipient: null });
    expect((await put(demo.admin, null)).body.code).toBe('version_required');
    expect((await put(demo.admin, '"99"')).body).toMatchObject({ code: 'version_mismatch', current: 1 });
    expect((await put(secondTeam, '"1"')).body).toMatchObject({ code: 'unknown_reference', pointer: '/fallbackRecipient' });
    const set = await put(demo.admin, '"1"');
    expect([set.status, set.body, set.headers.get('etag')]).toEqual([200, { fallbackRecipient: demo.admin }, '"2"']);
    expect((await get(path, 'lead', { 'if-none-match': '"2"' })).status).toBe(304);
    expect((await get(path, 'foreign')).body).toEqual({ fallbackRecipient: null });
    expect((await put(null, await etag())).body).toEqual({ fallbackRecipient: null });
  });

  test('lets a rung be published that reaches nobody else, and then has to stay', async () => {
    const lonely = policy({
      rungs: [{ id: 'r', clock: 'resolution', when: 'at_breach', actions: [{ notify: { to: ['on-call'], channel: 'email' } }] }],
    });
    expect((await post(sets, { policies: [lonely] })).body.code).toBe('policy_invalid');
    await put(demo.admin, await etag());
    await publish(lonely);
    const kept = await put(null, await etag());
    expect([kept.status, kept.body.code, faults(kept)]).toEqual([
      409,
      'still_in_use',
      [['/policies/0/rungs/0/actions/0/notify/to', 'names_nobody']],
    ]);
    expect((await put(demo.lead, await etag())).status).toBe(200);
    await publish();
    expect((await put(null, await etag())).status).toBe(200);
  });
});

describe('who may', () => {
  const reading: [string, string, unknown?][] = [
    ['GET', calendars],
    ['GET', `${calendars}/24x7`],
    ['GET', `${calendars}/24x7/windows?from=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z`],
    ['POST', `${calendars}/preview`, { calendar: week, samples: [{ start: '2026-01-01T00:00:00Z', budgetS: 1 }] }],
    ['GET', sets],
    ['GET', `${sets}/current`],
    ['POST', '/v1/sla/explain', { product: 'demo', priority: 'low' }],
    ['GET', '/v1/sla/settings'],
  ];
  const writing: [string, string, unknown?][] = [
    ['POST', calendars, { id: 'w', name: 'W', ...week }],
    ['POST', `${calendars}/validate`, week],
    ['POST', `${calendars}/import`, { ical: 'x' }],
    ['POST', `${calendars}/c1/revisions`, week],
    ['POST', `${calendars}/c1/retire`],
    ['DELETE', `${calendars}/c1`],
    ['POST', `${sets}/validate`, { policies: [] }],
    ['POST', sets, { policies: [] }],
    ['PUT', '/v1/sla/settings', { fallbackRecipient: null }],
  ];

  test.each(reading)('%s %s: staff', async (method, path, body) => {
    for (const who of ['agent', 'lead', 'admin'] as const)
      expect((await stage.call(who, method, path, body)).status, who).toBeLessThan(300);
    for (const who of ['customer', 'service'] as const) expect((await stage.call(who, method, path, body)).status, who).toBe(403);
    expect((await stage.call('nobody', method, path, body)).status).toBe(401);
  });

  test.each(writing)('%s %s: admins', async (method, path, body) => {
    for (const who of ['agent', 'lead', 'customer', 'service'] as const) {
      const reply = await stage.call(who, method, path, body);
      expect([reply.status, reply.body.permission], who).toEqual([403, 'config.write']);
    }
    expect((await stage.call('nobody', method, path, body)).status).toBe(401);
  });
});

test('a customer’s tier is for staff', async () => {
  const made = await post('/v1/customers', { name: 'Golden', tier: 'gold' }, 'agent');
  expect(made.body.tier).toBe('gold');
  expect((await get(`/v1/customers/${made.body.id}`, 'agent')).body.tier).toBe('gold');
  expect((await get(`/v1/customers/${demo.customers[0]}`, 'agent')).body.tier).toBeNull();
  expect((await get(`/v1/customers/${demo.customers[0]}`, 'customer')).body).not.toHaveProperty('tier');
  expect(faults(await post('/v1/customers', { name: 'Odd', tier: 'Gold!' }, 'agent'))).toEqual([['/tier', 'invalid_format']]);
});
