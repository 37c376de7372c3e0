/** Plays a scenario of a case file in virtual time, through the same rules as the ticket's workflow. Source: sla.md, section 10. */
import { asAgentId, asContentId, asCustomerId, asProductKey, asTenantId, asTicketId } from '../ids.js';
import type { CommandFields, Envelope, TicketCommand, Verb } from '../ticket/command.js';
import type { Ticket } from '../ticket/ticket.js';
import { day, second, year } from '../time.js';
import type { Instant } from '../time.js';
import { consumedAt, outcomeOf, wholeSecond } from './clock.js';
import type { Clock } from './clock.js';
import { act, catchUp, follow, nearestOf } from './desk.js';
import type { Outcome } from './desk.js';
import type { SlaFact } from './facts.js';
import { emptyLedger, neededMs } from './ledger.js';
import type { Ledger } from './ledger.js';
import type { SlaPlan } from './policy.js';
import type { ClockView, ExpandCalendar, PlayScenario, RefusedEvent, Scenario, ScenarioEvent, ScenarioTargets } from './scenario.js';
import type { Windows } from './windows.js';

/** Every scenario's ticket is of this priority; another target is another plan. */
const priority = 'medium';
const nobody = '00000000-0000-7000-8000-000000000000';
const settings = { reopenWindowS: year / second, mail: { acknowledgement: false, reply: false, resolved: false } } as const;

/** Plays to the end, and remembers the clocks after each instant at which something happened. */
export const play: PlayScenario = (scenario, expand, until) => {
  const table = new Table(scenario, expand, until);
  for (const [index, event] of scenario.events.entries()) {
    if (event.at > until) break;
    table.passTo(event.at);
    table.happen(event, index);
  }
  table.passTo(until);
  return table.trace();
};

interface Moment {
  readonly at: Instant;
  readonly clocks: readonly Clock[];
  readonly windows: Windows | null;
}

class Table {
  private ticket: Ticket | null = null;
  private ledger: Ledger = { ...emptyLedger, planned: false };
  private plan: SlaPlan;
  private workerUp = true;
  /** What reached the desk while its worker was down; worked in, at its own instant, when it is up again. */
  private waiting: { event: ScenarioEvent; index: number }[] = [];
  private readonly moments: Moment[] = [];
  /** Every instance there was, in order of its start. */
  private readonly clocks = new Map<string, Clock>();
  private readonly fired = new Map<string, Instant>();
  private readonly refused: RefusedEvent[] = [];
  private readonly expand: (calendar: string) => Windows;

  constructor(scenario: Scenario, expand: ExpandCalendar, until: Instant) {
    this.plan = planOf(scenario);
    const from = Math.min(...scenario.events.map((event) => (event.verb === 'open' ? event.receivedAt : event.at))) - day;
    const budgets = scenario.events.map((event) => (event.verb === 'target' ? targetsOf(event.targets) : {}));
    const needed = [this.plan.targets, ...budgets].map((targets) => neededMs({ targets, rungs: scenario.rungs }));
    const known = new Map<string, Windows>();
    this.expand = (calendar) => {
      const windows = known.get(calendar) ?? expand(calendar, from, until + day, until - from + Math.max(...needed));
      known.set(calendar, windows);
      return windows;
    };
  }

  /** Lets time pass: the watcher wakes 1 ms after each instant that matters. */
  passTo(until: Instant): void {
    for (let due = this.nearest(); this.workerUp && due !== null && due < until; due = this.nearest()) this.wake(due + 1);
  }

  happen(event: ScenarioEvent, index: number): void {
    if (event.verb === 'worker_down') this.workerUp = false;
    else if (event.verb === 'worker_up') this.workerBack(event.at);
    else if (this.workerUp) this.attend(event, index, event.at);
    else this.waiting.push({ event, index });
  }

  trace(): ReturnType<PlayScenario> {
    return {
      clocksAt: (at) => {
        const moment = this.moments.findLast((one) => one.at <= at);
        return moment === undefined ? [] : moment.clocks.map((clock) => viewOf(clock, moment.windows, at));
      },
      rung: (clock, rung) => this.fired.get(`${clock}/${rung}`) ?? null,
      refused: this.refused,
    };
  }

  private nearest(): Instant | null {
    return this.ticket === null ? null : (nearestOf(this.ticket, this.ledger)?.at ?? null);
  }

  private wake(now: Instant): void {
    if (this.ticket !== null) this.accept(catchUp(this.ticket, this.ledger, now), now);
  }

  private workerBack(at: Instant): void {
    this.workerUp = true;
    for (const { event, index } of this.waiting.splice(0)) this.attend(event, index, at);
    this.wake(at);
  }

  private attend(event: ScenarioEvent, index: number, now: Instant): void {
    for (const command of commandsOf(event, this.ticket)) {
      const answer = act(this.ticket, this.ledger, command, now);
      if (answer.ok) this.accept(answer, now);
      else this.refused.push({ event: index, code: answer.code });
    }
    const facts = this.factsOf(event);
    if (this.ticket !== null && facts.length > 0) this.accept(follow(this.ticket, this.ledger, facts, now), now);
  }

  private accept({ ticket, ledger, sla }: Outcome, now: Instant): void {
    this.ticket = ticket;
    this.ledger = ledger;
    for (const clock of sla?.clocks ?? []) this.clocks.set(clock.clock, clock);
    for (const { clock, rung, firedAt } of sla?.rungs ?? []) this.fired.set(`${clock}/${rung}`, wholeSecond(firedAt));
    this.moments.push({ at: now, clocks: [...this.clocks.values()], windows: ledger.windows });
  }

  /** What no command of the ticket brings. */
  private factsOf(event: ScenarioEvent): SlaFact[] {
    const { at } = event;
    const planned = (plan: SlaPlan | null, reason: 'policy' | 'priority' | 'team'): SlaFact => ({
      kind: 'planned',
      at,
      plan,
      windows: plan === null ? null : this.expand(plan.calendar.id),
      rematchOn: [],
      teamCalendar: false,
      reason,
    });
    const change = (plan: Partial<SlaPlan>, reason: 'priority' | 'team'): SlaFact[] => {
      this.plan = { ...this.plan, ...plan };
      return this.ledger.plan === null ? [] : [planned(this.plan, reason)];
    };
    switch (event.verb) {
      case 'open':
        return [planned(this.plan, 'policy')];
      case 'target':
        return change({ targets: targetsOf(event.targets) }, 'priority');
      case 'calendar':
        return change({ calendar: { id: event.calendar, revision: 1 } }, 'team');
      case 'no_policy':
        return [planned(null, 'policy')];
      case 'policy_again':
        return [planned(this.plan, 'policy')];
      case 'cause+':
      case 'cause-':
        return [{ kind: 'cause', at, cause: event.cause, on: event.verb === 'cause+' }];
      case 'call':
        return [{ kind: 'desk_message', at, receivedAt: at, by: 'call', resolves: false }];
      default:
        return [];
    }
  }
}

export const targetsOf = (targets: ScenarioTargets): SlaPlan['targets'] =>
  Object.fromEntries(Object.entries(targets).map(([kind, seconds]) => [kind, { [priority]: seconds }]));

export const planOf = ({ calendar, targets, pause, pauseOnApproval, reopen, counts, rungs }: Scenario): SlaPlan => ({
  set: 1,
  policy: 'scenario',
  calendar: { id: calendar, revision: 1 },
  targets: targetsOf(targets),
  pause,
  pauseOnApproval,
  reopen,
  counts,
  rungs,
});

/** The command behind a verb; none where the verb is no command, or the ticket knows nothing of it. */
export function commandsOf(event: ScenarioEvent, ticket: Ticket | null): TicketCommand[] {
  const content = asContentId(nobody);
  const command = <Kind extends Verb>(kind: Kind, fields: CommandFields[Kind], role: Envelope['role'] = 'agent'): TicketCommand[] => [
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- kind and fields belong together by the signature
    { kind, ...fields, commandId: `case/${event.at}`, actor: `user/${nobody}`, role, source: 'api', receivedAt: event.at } as TicketCommand,
  ];
  switch (event.verb) {
    case 'open': {
      const fields = {
        tenant: asTenantId(nobody),
        ticketId: asTicketId('TKT-00000000'),
        scope: 'case',
        product: asProductKey('case'),
        channel: 'api',
        priority,
        category: null,
        requester: asCustomerId(nobody),
        copied: [],
        content,
        settings,
        sla: { set: 1 },
      } as const;
      // A case may import a ticket that is resolved already (R12).
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
      const opened = { ...fields, status: event.status } as CommandFields['open'];
      return command('open', opened, event.by).map((one) => ({ ...one, receivedAt: event.receivedAt }));
    }
    case 'customer':
      return command('receive', { content, author: asCustomerId(nobody) }, 'customer');
    case 'reply':
      return command('reply', { content });
    case 'reply_resolve':
      return command('reply', { content, then: 'resolved' });
    case 'bot':
      return command('reply', { content }, 'service');
    case 'note':
      return command('note', { content });
    case 'status':
      return command('edit', { status: event.status });
    case 'resolve':
      return command('resolve', {});
    case 'reopen':
      return command('reopen', {});
    case 'close': // before it is resolved only a direct close ends it
      return command('close', ticket?.status === 'resolved' ? {} : { cause: 'spam' });
    case 'merge':
      return command('close', { cause: 'merged' });
    case 'acknowledge': {
      const pending = ticket?.escalations.findLast(({ status }) => status === 'pending');
      return pending === undefined ? [] : command('acknowledgeEscalation', { escalation: pending.n, agent: asAgentId(nobody) });
    }
    default:
      return [];
  }
}

/** A clock as a case sees it at an instant at or after the last change. */
export function viewOf(clock: Clock, windows: Windows | null, at: Instant): ClockView {
  const { breach } = clock;
  const consumedS = windows === null ? clock.consumedS : (consumedAt(clock, windows, wholeSecond(at)) ?? clock.consumedS);
  const left = clock.budgetS - consumedS;
  return {
    clock: clock.clock,
    kind: clock.kind,
    phase: clock.phase,
    dueAt: clock.dueAt,
    consumedS,
    remainingS: left,
    spareS: left,
    overrunS: breach === null ? null : Math.max(0, consumedS - breach.budgetS),
    outcome: outcomeOf(clock),
    breaches: breach === null ? 0 : 1,
    breachedAt: breach?.at ?? null,
    fulfilledAt: clock.fulfilledAt,
    reason: clock.reason,
    cause: breach?.cause ?? null,
    // The watcher wakes a moment after what it waits for; a case counts whole seconds.
    lateMs: breach === null ? null : wholeSecond(breach.lateMs),
  };
}
