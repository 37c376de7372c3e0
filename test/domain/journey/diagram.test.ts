/** Templates as drawings. Source: journeys.md, section 12. */
import { expect, test } from 'vitest';
import { flowchart, stateDiagram } from '../../../domain/journey/diagram.js';
import type { JourneyTemplate } from '../../../domain/journey/template.js';
import { done } from './builders.js';
import { everything } from './everything.js';

const template: JourneyTemplate = {
  key: 'sample',
  name: 'Sample',
  category: 'custom',
  subject: { type: 'customer', id: 'input.id' },
  stages: [
    { id: 'late', name: 'Late "2"', order: 2 },
    { id: 'early', name: 'Early', order: 1 },
    { id: 'never', name: 'Never', order: 3 },
  ],
  start: 'choose',
  steps: {
    choose: {
      kind: 'decision',
      name: 'Good enough?',
      stage: 'early',
      transitions: [
        { to: 'split', when: 'context.score >= 50' },
        { to: 'ask', when: [{ field: 'name', operator: 'equals', value: 'a|b' }], label: 'by name' },
        { to: 'done', default: true },
      ],
    },
    split: { kind: 'parallel', stage: 'late', branches: ['ask', 'inner'], transitions: [{ to: 'wait' }] },
    ask: {
      kind: 'manual',
      stage: 'late',
      catch: [{ errors: ['*'], to: 'done' }],
      transitions: [{ to: '$join', outcome: 'fine', when: 'true' }],
    },
    inner: { kind: 'parallel', branches: ['deep'], transitions: [{ to: '$join' }] },
    deep: { kind: 'automated', transitions: [{ to: '$join' }] },
    wait: {
      kind: 'wait',
      stage: 'gone',
      event: [{ type: 'e' }],
      max: 'P1D',
      onMax: 'route:elsewhere',
      transitions: [{ to: 'each' }, { to: '$join' }],
    },
    each: {
      kind: 'forEach',
      items: 'input.list',
      do: {
        kind: 'handoff',
        from: 'crm',
        to: 'field-ops',
        mode: 'approve',
        approval: { approvers: {}, quorum: 'any', onTimeout: 'ask' },
        onReturn: 'ask',
      },
      transitions: [{ to: 'done' }],
    },
    done,
  },
};

test('a flowchart has a node for each step, by stage, and an arrow for each way', () => {
  expect(flowchart(template)).toBe(`flowchart TD
  subgraph stage0["Early"]
    s0{"Good enough?"}
  end
  subgraph stage1["Late #34;2#34;"]
    s1[["split"]]
    s2("ask")
  end
  s3[["inner"]]
  s4["deep"]
  s5(["wait"])
  s6[["each"]]
  s7(("done"))
  s1_join(("join"))
  s3_join(("join"))
  begin(( )) --> s0
  s0 -->|"context.score #62;= 50"| s1
  s0 -->|"by name"| s2
  s0 -->|"otherwise"| s7
  s1_join --> s5
  s1 --> s2
  s1 --> s3
  s2 -.->|"caught"| s7
  s3_join --> s1_join
  s3 --> s4
  s4 --> s3_join
  s5 --> s6
  s5 -.->|"onMax"| missing
  s6 --> s7
  s6 -.->|"onReturn"| s2
  s6 -.->|"onTimeout"| s2
`);
});

test('a state diagram has the same', () => {
  const text = stateDiagram(template, { choose: 'completed', ask: 'incident', deep: 'open', inner: 'open', done: 'pending' });
  expect(text.split('\n').slice(0, 4)).toEqual([
    'stateDiagram-v2',
    '  state "Good enough?" as s0',
    '  state "split" as s1',
    '  state "ask" as s2',
  ]);
  expect(text).toContain('\n  state s1_join <<join>>\n  state s3_join <<join>>\n  [*] --> s0\n  s0 --> s1 : context.score #62;= 50\n');
  expect(text).toContain('\n  s7 --> [*]\n');
  expect(text).toContain('\n  class s3,s4 open\n');
  expect(text).toContain('\n  class s0 completed\n');
  expect(text).toContain('\n  class s2 incident\n');
  expect(text).not.toContain('pending');
});

test('an overlay colours what an instance has done', () => {
  const text = flowchart(everything, {
    qualify: 'completed',
    by_hand: 'skipped',
    credit: 'failed',
    address: 'superseded',
    agree: 'open',
    remind: 'cancelled',
    pause: 'incident',
  });
  expect(text.match(/^ {2}class s\d+ \w+$/gm)).toEqual([
    '  class s5 open',
    '  class s0 completed',
    '  class s1 skipped',
    '  class s3 failed',
    '  class s4 superseded',
    '  class s6 cancelled',
    '  class s7 incident',
  ]);
  expect(text.match(/^ {2}classDef \w+/gm)).toHaveLength(7);
  expect(flowchart(everything)).not.toContain('class');
});

test('a name cannot break out of its place', () => {
  const name = 'a"] --> b\n<script>;`{x}|#';
  const drawn = flowchart({ ...template, start: 'done', stages: [], steps: { done: { ...done, name } } });
  expect(drawn).toContain('s0(("a#34;#93; --#62; b #60;script#62;#59;#96;#123;x#125;#124;#35;"))');
  expect(stateDiagram({ ...template, start: 'gone', stages: [], steps: { done: { ...done, name } } })).toContain('[*] --> missing');
});

test('labels say outcome and guard together', () => {
  const steps: JourneyTemplate['steps'] = {
    one: {
      kind: 'manual',
      outcomes: ['fine'],
      transitions: [
        { to: 'done', outcome: 'fine', when: 'context.score > 5' },
        { to: 'done', outcome: 'fine' },
      ],
    },
    done,
  };
  expect(flowchart({ ...template, start: 'one', steps })).toContain('  s0 -->|"fine · context.score #62; 5"| s1\n  s0 -->|"fine"| s1\n');
});
