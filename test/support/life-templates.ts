/** Templates for lives that are recorded: between them everything a journey can do. */
import type { JourneyTemplate } from '../../domain/journey/template.js';

const won = { kind: 'end', outcome: 'done', result: 'won' } as const;
const lost = { kind: 'end', outcome: 'gone', result: 'lost' } as const;
const onwards = (to: string) => ({ transitions: [{ to, default: true }] }) as const;
const base = {
  category: 'custom',
  subject: { type: 'customer', id: 'input.customerId' },
  input: { type: 'object', properties: { customerId: { type: 'string' }, orders: { type: 'array', items: { type: 'string' } } } },
} as const satisfies Partial<JourneyTemplate>;

/** Everything that can be open at once. */
export const block: JourneyTemplate = {
  ...base,
  key: 'block',
  name: 'Block',
  context: { score: { schema: { type: 'number' }, default: 0 }, serviceType: { schema: { type: 'string' } } },
  start: 'all',
  steps: {
    all: { kind: 'parallel', branches: ['vote', 'wait', 'install', 'act'], ...onwards('won') },
    vote: {
      kind: 'approval',
      approvers: { roles: ['agent'] },
      quorum: { count: 2 },
      evidence: ['context.serviceType'],
      within: 'P1D',
      onTimeout: 'incident',
      transitions: [
        { to: '$join', outcome: 'approved' },
        { to: '$join', outcome: 'rejected' },
      ],
    },
    wait: { kind: 'wait', condition: 'context.score > 50.0', max: 'P1D', onMax: 'late', ...onwards('$join') },
    install: {
      kind: 'handoff',
      from: 'crm',
      to: 'field-ops',
      mode: 'accept',
      acceptWithin: 'PT4H',
      requiredData: ['serviceType'],
      onTimeout: 'incident',
      transitions: [
        { to: '$join', outcome: 'completed' },
        { to: '$join', outcome: 'rejected' },
        { to: '$join', outcome: 'returned' },
      ],
    },
    act: { kind: 'automated', action: 'crm.score@1', retry: { maxAttempts: 2, initial: 'PT1S' }, ...onwards('$join') },
    won,
  },
};

/** What another one starts. */
export const child: JourneyTemplate = {
  ...base,
  key: 'child',
  name: 'Child',
  start: 'ask',
  steps: { ask: { kind: 'automated' as const, ...onwards('won') }, won },
};

/** The kinds of steps that neither a built-in template nor the block has, one after the other. */
export const everyKind: JourneyTemplate = {
  ...base,
  key: 'every_kind',
  name: 'Every kind',
  context: { score: { schema: { type: 'number' }, default: 0 } },
  start: 'each',
  steps: {
    each: {
      kind: 'forEach',
      items: 'input.orders',
      maxConcurrency: 2,
      tolerateFailures: 1,
      do: { kind: 'automated', action: 'crm.score@1', retry: { maxAttempts: 1 } },
      ...onwards('rest'),
    },
    rest: { kind: 'wait', for: 'PT1S', ...onwards('other') },
    other: { kind: 'journey', key: child.key, input: { customerId: 'input.customerId' }, ...onwards('paid') },
    paid: {
      kind: 'wait',
      event: [{ type: 'billing-system:paid', outcome: 'paid', output: { score: 'event.data.score' } }],
      max: 'P1D',
      onMax: 'late',
      output: { score: 'steps.paid.output.score' },
      transitions: [
        { to: 'decide', outcome: 'paid' },
        { to: 'lost', outcome: 'late' },
      ],
    },
    decide: {
      kind: 'decision',
      transitions: [
        { to: 'won', when: 'context.score > 50.0' },
        { to: 'lost', default: true },
      ],
    },
    won,
    lost,
  },
};

const attempt = { retry: { maxAttempts: 1 } } as const;
/** A person has to help with all but the first step, which can be undone. */
export const fragile: JourneyTemplate = {
  ...base,
  key: 'fragile',
  name: 'Fragile',
  start: 'book',
  steps: {
    book: { kind: 'automated', action: 'crm.book@1', compensate: 'crm.unbook@1', ...onwards('tell') },
    tell: { kind: 'automated', action: 'crm.tell@1', skippable: true, ...attempt, ...onwards('sign') },
    sign: { kind: 'automated', action: 'crm.sign@1', ...attempt, ...onwards('send') },
    send: { kind: 'automated', action: 'crm.send@1', ...attempt, ...onwards('won') },
    ask: { kind: 'manual', outcomes: ['go'], transitions: [{ to: 'won', outcome: 'go' }] },
    won,
  },
};

const handing = {
  kind: 'handoff',
  from: 'crm',
  to: 'field-ops',
  completeWithin: 'P1D',
  onTimeout: 'incident',
  transitions: [
    { to: 'won', outcome: 'completed' },
    { to: 'lost', outcome: 'rejected' },
    { to: 'lost', outcome: 'returned' },
  ],
} as const;
/** Nobody has to accept it. */
export const automaticHandoff: JourneyTemplate = {
  ...base,
  key: 'automatic_handoff',
  name: 'Automatic handoff',
  start: 'install',
  steps: { install: { ...handing, mode: 'automatic', retry: { maxAttempts: 2, initial: 'PT1S' } }, won, lost },
};
/** Two vote, then somebody accepts. */
export const approvedHandoff: JourneyTemplate = {
  ...base,
  key: 'approved_handoff',
  name: 'Approved handoff',
  start: 'install',
  steps: {
    install: {
      ...handing,
      mode: 'approve',
      then: 'accept',
      approval: { approvers: { roles: ['agent'] }, quorum: { count: 2 }, within: 'P1D', onTimeout: 'incident' },
      acceptWithin: 'PT4H',
    },
    won,
    lost,
  },
};

/** Nobody is in time: votes, an offer, a task. */
export const late: JourneyTemplate = {
  ...base,
  key: 'late',
  name: 'Late',
  start: 'vote',
  steps: {
    vote: {
      kind: 'approval',
      approvers: { roles: ['agent'] },
      quorum: 'any',
      within: 'PT3S',
      escalation: [
        { after: 'PT1S', action: 'remind' },
        { after: 'PT2S', action: 'add', to: { roles: ['lead'] } },
      ],
      onTimeout: 'route:install',
      transitions: [
        { to: 'won', outcome: 'approved' },
        { to: 'lost', outcome: 'rejected' },
      ],
    },
    install: {
      ...handing,
      mode: 'accept',
      acceptWithin: 'PT1S',
      transitions: [
        { to: 'ask', outcome: 'completed' },
        { to: 'lost', outcome: 'rejected' },
        { to: 'lost', outcome: 'returned' },
      ],
    },
    ask: { kind: 'manual', outcomes: ['go'], sla: { target: 'PT2S', warnAt: 0.5 }, transitions: [{ to: 'won', outcome: 'go' }] },
    won,
    lost,
  },
};
