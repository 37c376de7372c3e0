/** The real ticket workflow on a server that skips time, with activities that answer from a scenario instead of from a database. */
import type { WorkflowBundleOption } from '@temporalio/worker';
import { ApplicationFailure } from '@temporalio/common';
import { wholeSecond } from '../domain/sla/clock.js';
import { commandsOf } from '../domain/sla/play.js';
import type { RecordedTrace, ScenarioEvent } from '../domain/sla/scenario.js';
import { isClosed } from '../domain/ticket/ticket.js';
import { second } from '../domain/time.js';
import type { Instant } from '../domain/time.js';
import type { Log } from './log.js';
import { Play } from './sla-play.js';
import type { Run } from './sla-play.js';
import { StagedTicket } from './sla-ticket.js';
import type { Message, OpenCommand } from './sla-ticket.js';
import { Workers } from './sla-workers.js';
import type { TicketActivities } from './sla-workers.js';
import { startTimeSkippingServer } from './time-skipping-server.js';
import type { TimeSkippingServer } from './time-skipping-server.js';

/** What happens at one instant. */
interface Scene {
  readonly at: Instant;
  readonly events: readonly { readonly event: ScenarioEvent; readonly index: number }[];
}

type Seen =
  | { readonly kind: 'seen'; readonly trace: RecordedTrace; readonly disturbance: string | null }
  /** Something happens while a timer fires: to be played again by a worker that may be held back meanwhile. */
  | { readonly kind: 'too close' };

/** A machine that stalls in each of these stalls always. */
const attempts = 8;
/** Nobody is told of anything. */
const nothing = { sent: 0, failed: 0, unknown: 0, suppressed: 0 } as const;

/** Plays one scenario after the other; of no use any more after one that did not end. */
export class Stage implements AsyncDisposable {
  private readonly server: TimeSkippingServer;
  private readonly workers: Workers;
  private readonly on: { play: Play | null };
  private ticket: StagedTicket | null = null;
  /** Still to come. */
  private answers: Promise<void>[] = [];

  private constructor(server: TimeSkippingServer, workers: Workers, on: { play: Play | null }) {
    this.server = server;
    this.workers = workers;
    this.on = on;
  }

  /** @param log hears how the server's program is fetched, once */
  static async build(bundle: WorkflowBundleOption, log: Log): Promise<Stage> {
    const server = await startTimeSkippingServer(log);
    const on: { play: Play | null } = { play: null };
    try {
      return new Stage(server, await Workers.hire(server, bundle, activitiesOf(on)), on);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** @throws Error when it cannot be played to its end */
  async perform(run: Run): Promise<RecordedTrace> {
    let mayLeave = run.scenario.events.some(({ verb }) => verb === 'worker_down');
    for (let attempt = 1; ; attempt += 1) {
      const seen = await Promise.race([this.performOnce(run, mayLeave), this.server.crashed, this.workers.failed]);
      if (seen.kind === 'too close') mayLeave = true;
      else if (seen.disturbance === null || attempt >= attempts) return seen.trace;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.workers[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }

  private async performOnce(run: Run, mayLeave: boolean): Promise<Seen> {
    const { server, workers } = this;
    await workers.begin({ mayLeave });
    const play = new Play(run, wholeSecond(await server.now()) + 2 * second);
    this.on.play = play;
    this.ticket = null;
    this.answers = [];
    for (const scene of scenesOf(run)) {
      const at = play.onServer(scene.at);
      const close = await this.isTimerAt(at, scene);
      if (close && !mayLeave) {
        await this.end(play);
        return { kind: 'too close' };
      }
      if (close) await workers.down(this.ticket);
      await server.passTo(at);
      for (const { event, index } of scene.events) {
        if (event.verb === 'worker_down') await workers.down(this.ticket);
        else if (event.verb === 'worker_up') await this.workersUp();
        else await this.send(play, event, index);
      }
      if (close) await this.workersUp();
      if (workers.areUp) await Promise.all(this.answers.splice(0));
    }
    await server.passTo(play.onServer(run.looks.until));
    const seen = { kind: 'seen', trace: play.trace(), disturbance: play.disturbance } as const;
    await this.workersUp();
    await this.end(play);
    return seen;
  }

  /** Returns once the server has it; the answer may be long in coming while the worker is down. */
  private async send(play: Play, event: ScenarioEvent, index: number): Promise<void> {
    const opened = commandsOf(event, play.ticket).find((command): command is OpenCommand => command.kind === 'open');
    if (opened !== undefined) await this.start(play, opened);
    const message = messageOf(play, event);
    if (message === null || this.ticket === null) return;
    const { arrived, answer } = this.ticket.tell(message, `case/${index}`);
    const heard = answer.then((code) => {
      // Of a ticket that is over there is nothing left to pause or to plan.
      if (code !== null && (message.isVerb || code !== 'ticket.closed')) play.refused.push({ event: index, code });
    });
    heard.catch(() => undefined); // it is waited for when the worker is up again
    this.answers.push(heard);
    await arrived;
  }

  private async start({ ticketId }: Play, command: OpenCommand): Promise<void> {
    this.ticket = await StagedTicket.start(this.server.client, ticketId, command, this.workers.queueSuffix);
    await this.workers.overlook();
  }

  /**
   * Whether the ticket's timer fires while it is told something: cancelled and fired at once, this server loses the task in which it
   * happened, and stands still.
   */
  private async isTimerAt(at: Instant, { events }: Scene): Promise<boolean> {
    if (this.ticket === null || !this.workers.areUp || events.some(({ event }) => event.verb === 'worker_down')) return false;
    await this.server.passTo(at - 2 * second);
    const timer = await this.ticket.nextTimer();
    return timer !== null && timer >= at && timer < at + second;
  }

  /** A timer that is about to fire fires first. */
  private async letFire(): Promise<void> {
    const timer = (await this.ticket?.nextTimer()) ?? null;
    if (timer !== null && timer < (await this.server.now()) + second) await this.server.passTo(timer + 50);
  }

  private async workersUp(): Promise<void> {
    if (this.workers.areUp) return;
    await this.letFire();
    await this.workers.up();
  }

  /** Closes the ticket and lets its run end: one that is cut off while it works leaves the server's clock standing still. */
  private async end(play: Play): Promise<void> {
    await Promise.all(this.answers.splice(0));
    const { ticket } = this;
    if (ticket === null) return;
    if (play.ticket === null) return ticket.remove();
    if (!isClosed(play.ticket)) {
      await this.letFire();
      const message = messageOf(play, { at: play.run.looks.until, verb: 'close' });
      if (message !== null) await ticket.tell(message, 'case/end').answer;
    }
    await ticket.ended();
  }
}

/** What happens at one instant belongs together. */
function scenesOf({ scenario }: Run): Scene[] {
  const scenes: { at: Instant; events: { event: ScenarioEvent; index: number }[] }[] = [];
  for (const [index, event] of scenario.events.entries()) {
    const last = scenes.at(-1);
    if (last?.at === event.at) last.events.push({ event, index });
    else scenes.push({ at: event.at, events: [{ event, index }] });
  }
  return scenes;
}

/** Null: the ticket is not told of it. */
function messageOf(play: Play, event: ScenarioEvent): (Message & { readonly isVerb: boolean }) | null {
  const [command] = commandsOf(event, play.ticket);
  if (command !== undefined) {
    const { kind, ...fields } = command;
    const own = kind === 'open' ? { ticketId: play.ticketId } : {};
    return { name: kind, fields: { ...fields, ...own, receivedAt: play.onServer(command.receivedAt ?? event.at) }, isVerb: true };
  }
  // What an operator or another part of the desk says.
  const envelope = { actor: 'system/case', receivedAt: play.onServer(event.at) };
  if (event.verb === 'cause+') return { name: 'pauseClocks', fields: envelope, isVerb: false };
  if (event.verb === 'cause-') return { name: 'resumeClocks', fields: envelope, isVerb: false };
  const set = play.revisionFor(event);
  return set === null ? null : { name: 'replan', fields: { ...envelope, set }, isVerb: false };
}

/** What activities answer, from the scenario that is on. */
function activitiesOf(on: { readonly play: Play | null }): TicketActivities {
  const of = (ticketId: string): Play => {
    if (on.play?.ticketId !== ticketId) throw ApplicationFailure.nonRetryable('played already', 'over');
    return on.play;
  };
  return {
    project: (steps) => {
      for (const step of steps) of(step.ticket.id).tell(step);
      return Promise.resolve({ stored: steps.at(-1)?.ticket.version ?? 0, conflict: false });
    },
    planSla: (request) => Promise.resolve(of(request.ticketId).plan(request)),
    expandCalendar: (request) => {
      if (on.play === null) throw ApplicationFailure.nonRetryable('nothing is played', 'over');
      return Promise.resolve(on.play.expand(request));
    },
    findAgent: () => Promise.resolve(null),
    giveUp: () => Promise.resolve(nothing),
    deliver: () => Promise.resolve(nothing),
  };
}
