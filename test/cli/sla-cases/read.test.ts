/** What a case file may look like, and what is said of one that is malformed. */
import { describe, expect, test } from 'vitest';
import { parseInstant } from '../../../cli/sla-cases/instant.js';
import { readCases } from '../../../cli/sla-cases/read.js';
import type { CaseFile } from '../../../cli/sla-cases/read.js';

const faults = (text: string): string[] => {
  const answer = readCases(text);
  return answer.ok ? [] : answer.faults.map(({ line, field, rule }) => `${line} ${field} ${rule}`);
};

/** The text a fault points at. */
const pointedAt = (text: string): string[] => {
  const answer = readCases(text);
  return answer.ok ? [] : answer.faults.map(({ line, column }) => text.split('\n')[line - 1]?.slice(column - 1) ?? '');
};

function accepted(text: string): CaseFile {
  const answer = readCases(text);
  if (!answer.ok) throw new Error(JSON.stringify(answer.faults));
  return answer.file;
}

/** A sound scenario with one line in place of, or beside, its own. */
const scenario = (lines: Readonly<Record<string, string>> = {}): string => {
  const own: Record<string, string> = {
    calendar: '24x7',
    targets: '{ resolution: 3600 }',
    events: '[[2026-07-20T16:00:00Z, open, customer]]',
    expect: '[{ at: 2026-07-20T16:00:00Z, clocks: [resolution#1] }]',
    ...lines,
  };
  return ['scenarios:', '  - id: S', ...Object.entries(own).map(([key, value]) => `    ${key}: ${value}`)].join('\n');
};

const arithmetic = (fields: string): string => `arithmetic:\n  - { id: A, ${fields} }\n`;

describe('a malformed file', () => {
  test.each([
    ['nothing', '', '1  must be a map of calendars, arithmetic and scenarios'],
    ['a list', '- 1', '1  must be a map of calendars, arithmetic and scenarios'],
    ['no case', 'calendars: {}', '1  must hold a case under arithmetic or scenarios'],
    ['a bracket missing', 'arithmetic:\n  - { id: A', '2  Flow map in block collection must be sufficiently indented and end with a }'],
    ['a key twice', 'arithmetic: []\narithmetic: []', '2  Map keys must be unique'],
    ['two documents', 'a: 1\n---\nb: 1', '2  Source contains multiple documents; please use YAML.parseAllDocuments()'],
    ['an alias of nothing', 'arithmetic: *gone', '1  Unresolved alias (the anchor must be set before the alias): gone'],
  ])('%s', (_, text, fault) => expect(faults(text)).toContain(fault));

  test.each([
    ['unknown op', 'calendar: 24x7, op: dew', '2 /arithmetic/0/op must be one of due, elapsed, open, invalid'],
    ['no op', 'calendar: 24x7', '2 /arithmetic/0/op is required'],
    ['no start', 'calendar: 24x7, op: open, expect: true', '2 /arithmetic/0/start is required'],
    [
      'unknown calendar',
      'calendar: K9, op: open, start: 2026-07-20T16:00:00Z, expect: true',
      '2 /arithmetic/0/calendar must be a calendar of this file, or 24x7',
    ],
    [
      'an instant without zone',
      'calendar: 24x7, op: open, start: 2026-07-20T16:00:00, expect: true',
      '2 /arithmetic/0/start must be an instant with its zone, such as 2026-07-20T16:00:00Z',
    ],
    [
      'a date that does not exist',
      'calendar: 24x7, op: open, start: 2026-02-30T16:00:00Z, expect: true',
      '2 /arithmetic/0/start must be an instant with its zone, such as 2026-07-20T16:00:00Z',
    ],
    [
      'an expectation of another op',
      'calendar: 24x7, op: open, start: 2026-07-20T16:00:00Z, expect: 5',
      '2 /arithmetic/0/expect must be true or false, or one of calendar_invalid, policy_invalid, sla_horizon_exceeded',
    ],
    [
      'an end before the start',
      'calendar: 24x7, op: elapsed, start: 2026-07-20T16:00:00Z, end: 2026-07-20T15:00:00Z, expect: 0',
      '2 /arithmetic/0/end must not be before start',
    ],
    [
      'a budget that is no number',
      'calendar: 24x7, op: due, start: 2026-07-20T16:00:00Z, budgetS: two hours, expect: 2026-07-20T18:00:00Z',
      '2 /arithmetic/0/budgetS must be a number',
    ],
    [
      'a field of another op',
      'calendar: 24x7, op: open, start: 2026-07-20T16:00:00Z, budgetS: 5, expect: true',
      '2 /arithmetic/0/budgetS is not a field here',
    ],
  ])('arithmetic: %s', (_, fields, fault) => expect(faults(arithmetic(fields))).toEqual([fault]));

  test.each([
    ['a field that does not exist', { calender: 'K1' }, '7 /scenarios/0/calender is not a field here'],
    ['no budget', { targets: '{ resolution: 0 }' }, '4 /scenarios/0/targets/resolution must be a whole number of seconds above 0'],
    ['an unknown kind', { targets: '{ resolution: 60, fix: 60 }' }, '4 /scenarios/0/targets/fix is not a field here'],
    ['an unknown preset', { preset: 'defualt' }, '7 /scenarios/0/preset must be one of default, all, resolution_only, none'],
    [
      'a matrix over another status',
      { pause: '{ resolution: [new] }' },
      '7 /scenarios/0/pause/resolution/0 must be one of waiting_on_customer, on_hold',
    ],
    ['preset and matrix', { preset: 'none', pause: '{}' }, '8 /scenarios/0/pause must not stand beside preset'],
    ['an unknown reopen mode', { reopen: 'again' }, '7 /scenarios/0/reopen must be one of resume, frozen, count_closed_time, restart'],
    ['a count that is no truth', { counts: '{ bot: maybe }' }, '7 /scenarios/0/counts/bot must be true or false'],
    ['no events', { events: '[]' }, '5 /scenarios/0/events must hold one open'],
    [
      'an unknown verb',
      { events: '[[2026-07-20T16:00:00Z, open, customer], [2026-07-20T16:00:00Z, statsu, on_hold]]' },
      expect.stringMatching(/^5 \/scenarios\/0\/events\/1\/1 must be one of open, customer, reply, /),
    ],
    [
      'an event without verb',
      { events: '[[2026-07-20T16:00:00Z, open, customer], [2026-07-20T16:00:00Z]]' },
      '5 /scenarios/0/events/1/1 is required',
    ],
    [
      'an argument too many',
      { events: '[[2026-07-20T16:00:00Z, open, customer], [2026-07-20T16:00:00Z, note, 1]]' },
      '5 /scenarios/0/events/1 must be [instant, note]',
    ],
    [
      'a move to nowhere',
      { events: '[[2026-07-20T16:00:00Z, open, customer], [2026-07-20T16:00:00Z, status, held]]' },
      '5 /scenarios/0/events/1/2 must be one of new, in_progress, waiting_on_customer, on_hold, resolved, closed',
    ],
    [
      'a move to an unknown calendar',
      { events: '[[2026-07-20T16:00:00Z, open, customer], [2026-07-20T16:00:00Z, calendar, K9]]' },
      '5 /scenarios/0/events/1/2 must be a calendar of this file, or 24x7',
    ],
    [
      'an event out of order',
      { events: '[[2026-07-20T16:00:00Z, open, customer], [2026-07-20T15:00:00Z, note]]' },
      '5 /scenarios/0/events/1/0 must not be before the event above it',
    ],
    [
      'an event before open',
      { events: '[[2026-07-20T16:00:00Z, note], [2026-07-20T16:00:00Z, open, customer]]' },
      '5 /scenarios/0/events/0/1 must come after open',
    ],
    [
      'two openings',
      { events: '[[2026-07-20T16:00:00Z, open, customer], [2026-07-20T16:00:00Z, open, agent]]' },
      '5 /scenarios/0/events/1/1 must be the only open',
    ],
    [
      'a rung of 0 %',
      { rungs: '[{ id: r, clock: resolution, when: { percent: 0 } }]' },
      '7 /scenarios/0/rungs/0/when/percent must be a whole number from 1 to 100',
    ],
    [
      'a rung without its time',
      { rungs: '[{ id: r, clock: resolution, when: later }]' },
      '7 /scenarios/0/rungs/0/when must be at_breach, {percent: 1–100}, {before: seconds} or {after: seconds}',
    ],
    [
      'a warning longer than the budget',
      { rungs: '[{ id: r, clock: resolution, when: { before: 3600 } }]' },
      '7 /scenarios/0/rungs/0/when/before must be less than the target of its clock',
    ],
    [
      'a rung on a kind without target',
      { rungs: '[{ id: r, clock: agent_work, when: at_breach }]' },
      '7 /scenarios/0/rungs/0/clock must be a kind that has a target in this scenario',
    ],
    [
      'one rung twice',
      { rungs: '[{ id: r, clock: resolution, when: at_breach }, { id: r, clock: resolution, when: at_breach }]' },
      '7 /scenarios/0/rungs/1/id is used twice in this ladder',
    ],
    [
      'a warning that ignores pauses',
      { rungs: '[{ id: r, clock: resolution, when: at_breach, whilePaused: true }]' },
      '7 /scenarios/0/rungs/0/whilePaused is only for rungs after the breach',
    ],
    [
      'an unknown action',
      { rungs: '[{ id: r, clock: resolution, when: at_breach, actions: [{ shout: {} }] }]' },
      '7 /scenarios/0/rungs/0/actions/0 must be a map with one of notify, reassign, raise_priority, open_escalation',
    ],
    ['nothing expected', { expect: '[]' }, '6 /scenarios/0/expect must expect something'],
    [
      'a clock without number',
      { expect: '[{ at: 2026-07-20T16:00:00Z, clock: resolution, phase: running }]' },
      '6 /scenarios/0/expect/0/clock must name a clock instance, such as resolution#1',
    ],
    [
      'an unknown phase',
      { expect: '[{ at: 2026-07-20T16:00:00Z, clock: resolution#1, phase: runing }]' },
      '6 /scenarios/0/expect/0/phase must be one of running, paused, fulfilled, cancelled',
    ],
    [
      'a field no clock has',
      { expect: '[{ at: 2026-07-20T16:00:00Z, clock: resolution#1, due: null }]' },
      '6 /scenarios/0/expect/0/due is not a field here',
    ],
    [
      'an unknown rung',
      { expect: '[{ rung: r, clock: resolution#1, never: true }]' },
      '6 /scenarios/0/expect/0/rung must be a rung of this scenario',
    ],
  ])('a scenario: %s', (_, lines, fault) => expect(faults(scenario(lines))).toEqual([fault]));

  test('a scenario on a calendar that cannot work', () => {
    const calendars = 'calendars:\n  K1: { zone: Europe/Atlantis, weekly: { mon: [["09:00", "25:00"]] } }\n';
    expect(faults(calendars + scenario({ calendar: 'K1' }))).toEqual([
      '5 /scenarios/0/calendar must be a valid calendar: /zone must be a known IANA time zone',
      '5 /scenarios/0/calendar must be a valid calendar: /weekly/mon/0/1 must be HH:MM from 00:00 to 24:00',
    ]);
  });

  test.each([
    ['an unknown day', '{ zone: UTC, weekly: { funday: [] } }', '2 /calendars/K1/weekly/funday is not a field here'],
    ['an unknown field', '{ zone: UTC, weekly: {}, holidays: [] }', '2 /calendars/K1/holidays is not a field here'],
    ['no zone', '{ weekly: {} }', '2 /calendars/K1/zone is required'],
    ['half an interval', '{ zone: UTC, weekly: { mon: [["09:00"]] } }', '2 /calendars/K1/weekly/mon/0/1 is required'],
  ])('a calendar: %s', (_, body, fault) => {
    const text = `calendars:\n  K1: ${body}\n${arithmetic('calendar: K1, op: invalid, expect: calendar_invalid')}`;
    expect(faults(text)).toEqual([fault]);
  });

  test('the built-in calendar defined again', () => {
    const text = `calendars:\n  24x7: { zone: UTC }\n${arithmetic('calendar: 24x7, op: invalid, expect: false')}`;
    expect(faults(text)).toEqual(['2 /calendars/24x7 must not be defined: 24x7 is built in']);
  });

  test('every fault is listed, by line', () => {
    const text = `${arithmetic('calendar: K9, op: open, start: soon, expect: 1')}extra: 1\n${scenario({ preset: 'x', events: '[[now, open, robot]]' })}\n`;
    expect(faults(text).map((fault) => fault.split(' ').slice(0, 2).join(' '))).toEqual([
      '2 /arithmetic/0/calendar',
      '2 /arithmetic/0/start',
      '2 /arithmetic/0/expect',
      '3 /extra',
      '8 /scenarios/0/events/0/0',
      '8 /scenarios/0/events/0/2',
      '10 /scenarios/0/preset',
    ]);
    expect(pointedAt(text)).toEqual([
      'calendar: K9, op: open, start: soon, expect: 1 }',
      'start: soon, expect: 1 }',
      'expect: 1 }',
      'extra: 1',
      'now, open, robot]]',
      'robot]]',
      'preset: x',
    ]);
  });

  test('what is missing is told where it should stand', () => {
    expect(pointedAt(arithmetic('calendar: 24x7'))).toEqual(['{ id: A, calendar: 24x7 }']);
  });

  test('a fault behind an alias is told where the value is written', () => {
    const text = `${scenario({ events: '&events [[2026-07-20T16:00:00Z, open, customer]]' })}\n  - { id: T, calendar: 24x7, targets: {}, events: *events, expect: *events }\n`;
    expect(faults(text)).toEqual(['5 /scenarios/1/expect/0 must be a map']);
    expect(pointedAt(text)).toEqual(['[2026-07-20T16:00:00Z, open, customer]]']);
  });
});

describe('a file in another dress', () => {
  test('a calendar that cannot work is no fault where only arithmetic asks about it', () => {
    const text = `calendars:\n  K1: { zone: UTC, weekly: { mon: [[9, 17]] } }\n${arithmetic('calendar: K1, op: invalid, expect: calendar_invalid')}`;
    expect(accepted(text).calendars.get('K1').weekly).toEqual({ mon: [['9', '17']] });
  });

  test('numbers and truth values in quotes, ids that are numbers', () => {
    const text = `arithmetic:\n  - { id: 7, calendar: 24x7, op: invalid, budgetS: "60", expect: "false" }\n`;
    expect(accepted(text).arithmetic).toEqual([{ id: '7', calendar: '24x7', op: 'invalid', budgetS: 60, expect: false, line: 2 }]);
  });

  test('a budget alone is tried around the clock', () => {
    expect(accepted(arithmetic('op: invalid, budgetS: -5, expect: policy_invalid')).arithmetic[0]?.calendar).toBe('24x7');
  });

  test('headings with nothing under them', () => {
    expect(accepted(`calendars:\nscenarios:\n${arithmetic('op: invalid, budgetS: 0, expect: policy_invalid')}`).scenarios).toEqual([]);
  });

  test('anchors, aliases and merge keys', () => {
    const text = `${scenario({ targets: '&t { resolution: 3600 }' })}\n  - &base { id: T, calendar: 24x7, targets: *t, events: [[2026-07-20T16:00:00Z, open, agent]], expect: [{ at: 2026-07-20T16:00:00Z, clocks: [] }] }\n  - { <<: *base, id: U }\n`;
    const { scenarios } = accepted(text);
    expect(scenarios.map(({ scenario: { id, targets } }) => [id, targets])).toEqual([
      ['S', { resolution: 3600 }],
      ['T', { resolution: 3600 }],
      ['U', { resolution: 3600 }],
    ]);
    expect(scenarios.map(({ line }) => line)).toEqual([2, 7, 8]);
  });

  test('a scenario with everything left out that may be', () => {
    const [found] = accepted(scenario()).scenarios;
    expect(found?.scenario).toEqual({
      id: 'S',
      calendar: '24x7',
      pause: {
        requester_wait: ['waiting_on_customer'],
        agent_work: ['waiting_on_customer', 'on_hold'],
        resolution: ['waiting_on_customer'],
      },
      pauseOnApproval: [],
      reopen: 'resume',
      counts: { bot: false, call: false, firstInNext: false },
      targets: { resolution: 3600 },
      rungs: [],
      events: [{ at: Date.UTC(2026, 6, 20, 16), verb: 'open', by: 'customer', status: 'new', receivedAt: Date.UTC(2026, 6, 20, 16) }],
    });
  });

  test.each(['pause', 'preset'])('a pause matrix as %s', (key) => {
    expect(accepted(scenario({ [key]: '{ resolution: [on_hold] }' })).scenarios[0]?.scenario.pause).toEqual({ resolution: ['on_hold'] });
  });

  const at = Date.UTC(2026, 6, 20, 16);
  test.each([
    ['open, agent, on_hold', { verb: 'open', by: 'agent', status: 'on_hold', receivedAt: at }],
    ['open, customer, new, 2026-07-20T15:00:00Z', { verb: 'open', by: 'customer', status: 'new', receivedAt: at - 3_600_000 }],
    ['open, customer, 2026-07-20T15:00:00Z', { verb: 'open', by: 'customer', status: 'new', receivedAt: at - 3_600_000 }],
  ])('%s', (verb, event) => {
    expect(accepted(scenario({ events: `[[2026-07-20T16:00:00Z, ${verb}]]` })).scenarios[0]?.scenario.events).toEqual([{ at, ...event }]);
  });

  const plain = 'customer reply reply_resolve bot auto_ack note call resolve reopen close merge no_policy policy_again acknowledge';
  const happenings: (readonly [string, object])[] = [
    ...`${plain} unsnooze worker_down worker_up`.split(' ').map((verb) => [verb, { verb }] as const),
    ['status, waiting_on_customer', { verb: 'status', status: 'waiting_on_customer' }],
    ['target, { first_response: 60 }', { verb: 'target', targets: { first_response: 60 } }],
    ['calendar, 24x7', { verb: 'calendar', calendar: '24x7' }],
    ['cause+, approval:1', { verb: 'cause+', cause: 'approval:1' }],
    ['cause-, manual', { verb: 'cause-', cause: 'manual' }],
    ['snooze', { verb: 'snooze', until: null }],
    ['snooze, 2026-07-20T17:00:00Z', { verb: 'snooze', until: at + 3_600_000 }],
  ];
  test.each(happenings)('%s', (verb, event) => {
    const text = scenario({ events: `[[2026-07-20T16:00:00Z, open, customer], [2026-07-20T16:00:00Z, ${verb}]]` });
    expect(accepted(text).scenarios[0]?.scenario.events[1]).toEqual({ at, ...event });
  });

  test('a rung with everything it may have', () => {
    const rungs =
      '[{ id: r, clock: resolution, when: { after: 60 }, level: 2, priorities: [high], whilePaused: true, ackWithin: 1800, actions: [{ notify: { to: [lead, "role:admin"], channel: sms } }, { reassign: { team: second, skills: [x] } }, { raise_priority: { to: urgent, retarget: true } }, { open_escalation: { to: { kind: team, id: second }, ackWithin: 60 } }] }]';
    expect(accepted(scenario({ rungs })).scenarios[0]?.scenario.rungs).toEqual([
      {
        id: 'r',
        clock: 'resolution',
        when: { after: 60 },
        level: 2,
        priorities: ['high'],
        whilePaused: true,
        actions: [
          { notify: { to: ['lead', 'role:admin'], channel: 'sms' } },
          { reassign: { team: 'second' } },
          { raise_priority: { to: 'urgent', retarget: true } },
          { open_escalation: { to: { kind: 'team', id: 'second' }, ackWithin: 60 } },
          { open_escalation: { to: { kind: 'lead' }, ackWithin: 1800 } },
        ],
      },
    ]);
  });

  test('a rung on a kind that only a later priority has', () => {
    const events = '[[2026-07-20T16:00:00Z, open, customer], [2026-07-20T16:00:00Z, target, { agent_work: 60 }]]';
    expect(faults(scenario({ events, rungs: '[{ id: r, clock: agent_work, when: at_breach }]' }))).toEqual([]);
  });

  test('the desk may be down before there is a ticket', () => {
    const events = '[[2026-07-20T15:00:00Z, worker_down], [2026-07-20T16:00:00Z, open, customer], [2026-07-20T17:00:00Z, worker_up]]';
    expect(faults(scenario({ events }))).toEqual([]);
  });
});

describe('an instant', () => {
  const at = Date.UTC(2026, 6, 20, 16, 0, 5);
  test.each([
    ['2026-07-20T16:00:05Z', at],
    ['2026-07-20T16:00:05.000Z', at],
    ['2026-07-20T16:00:05.25Z', at + 250],
    ['2026-07-20t16:00:05z', at],
    ['2026-07-20 16:00:05Z', at],
    ['2026-07-20 16:00:05 Z', at],
    ['2026-07-20T18:00:05+02:00', at],
    ['2026-07-20T18:00:05+02', at],
    ['2026-07-20T18:00:05+0200', at],
    ['2026-07-20T16:00Z', at - 5000],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ])('%s', (text, instant) => expect(parseInstant(text)).toBe(instant));

  test.each([
    '2026-07-20T16:00:05',
    '2026-07-20',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-07-20T24:00:00Z',
    '2026-07-20T16:60:00Z',
    '2026-07-20T16:00:60Z',
    '2026-07-20T16:00:05+25:00',
    'Mon 16:00Z',
    '',
  ])('%j is none', (text) => expect(parseInstant(text)).toBeNull());
});
