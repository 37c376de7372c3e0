/** The relay of events: brings each to the journeys and triggers it concerns, in order for each subject, and never lets one stop the others. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandRefused } from '../activities/ports.js';
import type { EventRouting, Routed } from '../activities/journey-entry-routing.js';
import type { Db } from '../db/client.js';
import { claimEvents, isAnyWaiting, markRouted, postponeEvent } from '../db/queries/event-relay.js';
import type { EventRef } from '../db/queries/event-relay.js';
import { minute, second } from '../domain/time.js';
import type { Logger } from '../logger.js';

export interface EventRelayOptions {
  /** Pool of the role usher_relay. */
  readonly relay: Db;
  readonly routing: EventRouting;
  readonly log: Logger;
  /** Told how each attempt ended, and how many milliseconds after it came. */
  readonly onRouted?: (event: EventRef, result: 'routed' | 'refused' | 'failed', lateMs: number, led: Routed) => void;
  /** Told how many events of a batch concerned nobody. */
  readonly onPassed?: (count: number) => void;
}

export interface EventRelay extends AsyncDisposable {
  /** Looks at once instead of within a quarter of a second. */
  wake(): void;
}

/** Events looked at in one transaction. */
const batch = 200;
/** Chains of events worked on at once. */
const parallel = 8;
/** A look costs a fifth of a millisecond; where nothing comes it is taken less often. */
const idle = { first: 50, most: 250 } as const;
/** While many come: what a round costs by itself is shared by all that come meanwhile. */
const busy = 100;
/** After a database that did not answer. */
const pause = second;
/** Events whose worker died are taken over after this time. */
const lease = 30 * second;
/** Nothing is begun later than so long after the claim: its end has to come before another relay takes over. */
const workWithin = 15 * second;
const retry = { first: 500, most: minute } as const;

const none: Routed = { told: 0, entered: 0 };

/** Starts the relay; disposing waits for what is being worked on. */
export function startEventRelay({ relay, routing, log, onRouted, onPassed }: EventRelayOptions): EventRelay {
  const stopping = new AbortController();
  let bell = new AbortController();
  const wake = (): void => bell.abort();

  /** Until something rings, at most so long. */
  const rest = async (time: number): Promise<void> => {
    const signal = AbortSignal.any([bell.signal, stopping.signal]);
    await sleep(time, undefined, { signal }).catch(() => undefined);
    if (bell.signal.aborted) bell = new AbortController();
  };

  const work = async (event: EventRef): Promise<boolean> => {
    const tell = (result: 'routed' | 'refused' | 'failed', led: Routed): void =>
      onRouted?.(event, result, Math.max(0, Date.now() - event.cameAt), led);
    try {
      const led = await routing.route(event);
      await markRouted(relay, [event]);
      tell('routed', led);
      return true;
    } catch (error) {
      if (error instanceof CommandRefused) {
        // A journey said no, and will again.
        log.warn({ event: event.id, type: event.type, code: error.code }, 'an event was refused');
        tell('refused', none);
        await markRouted(relay, [event]);
        return true;
      }
      tell('failed', none);
      const delay = Math.min(retry.first * 2 ** Math.min(event.attempts, 10), retry.most);
      log.warn({ event: event.id, type: event.type, attempts: event.attempts + 1, err: error }, 'event not routed, will be tried again');
      await postponeEvent(relay, event, delay).catch((failure: unknown) =>
        log.warn({ event: event.id, err: failure }, 'event keeps its lease'),
      );
      return false;
    }
  };

  /** One after the other; what is left when one fails, or when the lease runs out, is given back. */
  const follow = async (chain: readonly EventRef[], until: number): Promise<void> => {
    for (const [index, event] of chain.entries()) {
      const isOver = stopping.signal.aborted || Date.now() > until;
      if (isOver || !(await work(event))) {
        const left = chain.slice(isOver ? index : index + 1);
        // Given back at once: whoever claims next keeps them behind the one that failed.
        for (const one of left) await postponeEvent(relay, one, 0).catch(() => undefined);
        return;
      }
    }
  };

  const round = async (): Promise<number | null> => {
    if (!(await isAnyWaiting(relay))) return 0;
    const until = Date.now() + workWithin;
    const claimed = await claimEvents(relay, { leaseMs: lease, limit: batch }, routing.concerned);
    if (claimed === null) return null;
    const { seen, leased } = claimed;
    if (seen > leased.length) onPassed?.(seen - leased.length);
    const chains = chainsOf(leased);
    const next = chains.values();
    const runner = async (): Promise<void> => {
      for (const chain of next) await follow(chain, until);
    };
    await Promise.all(Array.from({ length: Math.min(parallel, chains.length) }, runner));
    return seen;
  };

  const loop = async (): Promise<void> => {
    let quiet: number = idle.first;
    while (!stopping.signal.aborted) {
      try {
        const seen = await round();
        quiet = seen === 0 ? Math.min(quiet * 2, idle.most) : idle.first;
        if (seen === 0 || seen === null) await rest(quiet);
        else if (seen > 1 && seen < batch) await rest(busy);
      } catch (error) {
        log.warn({ err: error }, 'events cannot be looked at');
        await rest(pause);
      }
    }
  };

  const done = loop();
  return {
    wake,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await done;
    },
  };
}

/** Events in groups that share nobody they are about, each in the order given. */
export function chainsOf<Event extends Pick<EventRef, 'tenant' | 'about'>>(events: readonly Event[]): Event[][] {
  const chains: { events: Event[]; about: Set<string> }[] = [];
  for (const event of events) {
    const names = event.about.map((name) => `${event.tenant}/${name}`);
    const joined = chains.filter(({ about }) => names.some((name) => about.has(name)));
    const [first, ...others] = joined;
    if (first === undefined) {
      chains.push({ events: [event], about: new Set(names) });
      continue;
    }
    for (const other of others) {
      chains.splice(chains.indexOf(other), 1);
      first.events.push(...other.events);
      for (const name of other.about) first.about.add(name);
    }
    // Chains that meet are put in order by what came first.
    if (others.length > 0) first.events.sort((one, two) => events.indexOf(one) - events.indexOf(two));
    first.events.push(event);
    for (const name of names) first.about.add(name);
  }
  return chains.map((chain) => chain.events);
}
