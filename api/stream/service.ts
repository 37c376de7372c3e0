/** What streams begin with and what they tell: everything one may see, one journey, a template's instances, handoffs. Source: api-surfaces.md, section 1. */
import type { Reader } from '../caller.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { authorise } from '../middleware/auth.js';
import type { TicketEngine } from '../tickets/engine.js';
import { eventFrame } from './event.js';
import { resyncFrame } from './frame.js';
import { asked, asks, ofHandoffs } from './filter.js';
import type { FeedQuery, HandoffStreamQuery, StreamQuery } from './schema.js';
import { handoffsState, instancesState, journeyState, snapshotFrame, subjectState, ticketsState } from './snapshot.js';
import type { Beginning, Opened, Recent, Subscription } from './streams.js';
import type { TenantTx } from '../../db/client.js';
import { findRoles } from '../../db/queries/journey-scope.js';
import { findTemplate } from '../../db/queries/journey-templates.js';
import { findJourney } from '../../db/queries/journeys.js';
import { findHead, isResumable, listOfJourney, listPublished } from '../../db/queries/stream.js';
import type { LoggedEvent } from '../../db/queries/stream.js';
import { keptHours } from '../../db/queries/stream-relay.js';
import { tellingOf } from '../../domain/access/audience.js';
import { permit } from '../../domain/access/permit.js';
import type { Principal } from '../../domain/access/principal.js';
import { hour } from '../../domain/time.js';

/** A reader with a stream: what it came with, and where it left off. */
export interface Listener extends Reader {
  /** Names the credential. */
  readonly credential: string;
  /** Who the caller is now. */
  readonly again: () => Promise<Principal>;
  /** The `Last-Event-ID`, as it was sent. */
  readonly lastEventId: string | undefined;
}

export type StreamService = ReturnType<typeof createStreamService>;

/** More than this behind, a reader takes a snapshot instead. */
const mostBehind = 1_000;
/** Positions looked through for what a reader missed, some at a time. */
const look = { page: 1_000, most: 20_000 } as const;

/** Where a reader left off; `unknown` is not a number of ours. */
type Resumption = number | 'unknown' | null;

const numbered = /^(?:0|[1-9][0-9]{0,14})$/;

/** A reader that comes back by itself sends the header, whatever its address says. */
function resumptionOf({ lastEventId }: Listener, after: string | undefined): Resumption {
  const given = lastEventId === undefined || lastEventId === '' ? after : lastEventId;
  if (given === undefined) return null;
  return numbered.test(given) ? Number(given) : 'unknown';
}

/** A stream of the tenant's positions, and what it begins with. */
interface Positioned {
  readonly wants: Subscription['wants'];
  readonly resumption: Resumption;
  /** Absent: none is wanted. */
  readonly snapshot?: (tx: TenantTx) => Promise<object>;
}

export function createStreamService(
  { streams, now, answerWithin }: Pick<Deps, 'streams' | 'now' | 'answerWithin'>,
  engine: Pick<TicketEngine, 'within'>,
) {
  /** The listener when its turn has come, or long after the request: with time of its own, and perhaps somebody else by then. */
  const later = ({ credential: _c, again: _a, lastEventId: _l, ...reader }: Listener, principal: Principal): Reader => {
    const receivedAt = now();
    return { ...reader, principal, receivedAt, deadline: receivedAt + answerWithin };
  };

  return {
    /** Everything that was asked for and may be seen. */
    async everything(listener: Listener, query: StreamQuery): Promise<Opened> {
      const { principal, credential } = listener;
      const { subject, snapshot = false } = query;
      assertMayHear(principal);
      const resumption = resumptionOf(listener, query.after);
      const state = (tx: TenantTx): Promise<object> =>
        subject === undefined ? ticketsState(tx, principal, query) : stateOf(tx, principal, subject);
      const positioned = { wants: asked(principal, query), resumption, ...(snapshot ? { snapshot: state } : {}) };
      return streams.open({
        principal,
        credential,
        numbering: 'position',
        wants: positioned.wants,
        begin: async (tail) => {
          const known = subject === undefined ? fromMemory(tail, principal, now(), positioned) : null;
          if (known !== null) return known;
          const { position } = tail;
          return engine.within(later(listener, principal), async (tx) => {
            if (subject !== undefined) await stateOf(tx, principal, subject);
            return beginAt(tx, principal, position, positioned);
          });
        },
        check: async () => {
          const who = await listener.again();
          assertMayHear(who);
          if (subject !== undefined) await engine.within(later(listener, who), (tx) => stateOf(tx, who, subject));
          return who;
        },
      });
    },

    /**
     * One journey, numbered by its own events; it ends with it.
     *
     * @returns null when it has ended and the reader knows all of it
     */
    async journey(listener: Listener, id: string, { snapshot = true, after }: FeedQuery): Promise<Opened | null> {
      const { principal, credential } = listener;
      const find = async (tx: TenantTx, who: Principal) => {
        const row = await findJourney(tx, who, id);
        if (row === undefined) throw new Refusal('not_found');
        return row;
      };
      const resumption = resumptionOf(listener, after);
      const { version, endedAt } = await engine.within(listener, (tx) => find(tx, principal));
      if (endedAt !== null && resumption === version) return null;
      return streams.open({
        principal,
        credential,
        numbering: 'seq',
        wants: ({ subject }) => subject === `journey/${id}`,
        isLast: ({ type }) => type === 'journey.ended',
        begin: () =>
          engine.within(later(listener, principal), async (tx) => {
            const row = await find(tx, principal);
            const over = row.endedAt === null ? {} : ({ ends: 'over' } as const);
            const state = snapshot ? [snapshotFrame(row.version, { journey: journeyState(row) })] : [];
            if (resumption === null) return { frames: state, from: row.version, ...over };
            if (resumption === 'unknown' || resumption > row.version)
              return { frames: [resyncFrame('unknown_position', row.version), ...state], from: row.version, ...over };
            const missed = await listOfJourney(tx, principal.tenant, id, resumption, mostBehind + 1);
            const last = missed.at(-1)?.seq ?? resumption;
            if (missed.length > mostBehind) return tooFar(row.version);
            return { frames: framesOf(principal, missed, (event) => event.seq), from: last, ...over };
          }),
        check: async () => {
          const who = await listener.again();
          authorise(who, 'journey.read');
          await engine.within(later(listener, who), (tx) => find(tx, who));
          return who;
        },
      });
    },

    /** The instances of a template, and who was kept out. */
    async template(listener: Listener, key: string, { snapshot = true, after }: FeedQuery): Promise<Opened> {
      const { principal, credential } = listener;
      const wants = ({ template }: LoggedEvent): boolean => template === key;
      const resumption = resumptionOf(listener, after);
      const state = (tx: TenantTx): Promise<object> => instancesState(tx, principal, key);
      return streams.open({
        principal,
        credential,
        numbering: 'position',
        wants,
        begin: ({ position }) =>
          engine.within(later(listener, principal), async (tx) => {
            if ((await findTemplate(tx, principal.tenant, key)) === undefined) throw new Refusal('not_found');
            return beginAt(tx, principal, position, { wants, resumption, ...(snapshot ? { snapshot: state } : {}) });
          }),
        check: async () => {
          const who = await listener.again();
          authorise(who, 'journey.read');
          return who;
        },
      });
    },

    /** Handoffs: all that may be seen, or the reader's own inbox. */
    async handoffs(listener: Listener, { snapshot = true, after, mine = false, ...packages }: HandoffStreamQuery): Promise<Opened> {
      const { principal, credential } = listener;
      const resumption = resumptionOf(listener, after);
      // Who the reader is to a handoff changes with his teams.
      let isMine: ReturnType<typeof asks> = () => !mine;
      const learn = async (tx: TenantTx, who: Principal): Promise<void> => {
        if (mine) isMine = asks(who, await findRoles(tx, who));
      };
      const wants = ofHandoffs(packages, (handoff) => isMine(handoff));
      const state = (tx: TenantTx): Promise<object> => handoffsState(tx, principal, { ...packages, mine });
      return streams.open({
        principal,
        credential,
        numbering: 'position',
        wants,
        begin: ({ position }) =>
          engine.within(later(listener, principal), async (tx) => {
            await learn(tx, principal);
            return beginAt(tx, principal, position, { wants, resumption, ...(snapshot ? { snapshot: state } : {}) });
          }),
        check: async () => {
          const who = await listener.again();
          authorise(who, 'journey.read');
          await engine.within(later(listener, who), (tx) => learn(tx, who));
          return who;
        },
      });
    },
  };
}

/** What there is to hear is about tickets or about journeys. @throws Refusal `forbidden` */
function assertMayHear(who: Principal): void {
  if (permit(who, 'journey.read') !== 'allowed') authorise(who, 'ticket.read');
}

/** @throws Refusal `not_found` */
async function stateOf(tx: TenantTx, reader: Principal, subject: string): Promise<object> {
  const state = await subjectState(tx, reader, subject);
  if (state === undefined) throw new Refusal('not_found');
  return state;
}

/** A beginning that needs no question: of whatever comes from now on, or of what was missed a moment ago. Null: the database has to say. */
function fromMemory(tail: Recent, reader: Principal, now: number, { wants, resumption, snapshot }: Positioned): Beginning | null {
  const { position: from } = tail;
  if (resumption === null) return snapshot === undefined ? { frames: [], from } : null;
  const missed = resumption === 'unknown' ? null : tail.since(resumption, now - keptHours * hour);
  if (missed === null) return null;
  const frames = missed.flatMap(({ event, frame }) => {
    const telling = event !== null && wants(event) ? tellingOf(reader, event) : 'nothing';
    return telling === 'nothing' ? [] : [frame(telling, 'position')];
  });
  return frames.length > mostBehind ? tooFar(from) : { frames, from };
}

async function beginAt(tx: TenantTx, reader: Principal, position: number, { resumption, ...told }: Positioned): Promise<Beginning> {
  if (resumption !== null) return resume(tx, reader, resumption, told);
  return told.snapshot === undefined ? { frames: [], from: position } : present(tx, reader, told.snapshot);
}

/** The present state, and everything behind it. */
async function present(tx: TenantTx, { tenant }: Principal, snapshot: (tx: TenantTx) => Promise<object>): Promise<Beginning> {
  // First: what comes between the two is told again, and nothing is missed.
  const head = await findHead(tx, tenant);
  return { frames: [snapshotFrame(head, await snapshot(tx))], from: head };
}

const tooFar = (position: number): Beginning => ({ frames: [resyncFrame('too_far_behind', position)], from: position, ends: 'behind' });

/** Everything behind a position that is still there; else the reader is told to begin anew. */
async function resume(
  tx: TenantTx,
  reader: Principal,
  after: number | 'unknown',
  { wants, snapshot }: Pick<Positioned, 'wants' | 'snapshot'>,
): Promise<Beginning> {
  const { tenant } = reader;
  const frames: Buffer[] = [];
  if (after !== 'unknown' && (await isResumable(tx, tenant, after))) {
    let from = after;
    for (;;) {
      const rows = await listPublished(tx, tenant, from, look.page);
      // Forgotten while it was read.
      if (rows[0] !== undefined && rows[0].position !== from + 1) break;
      for (const { position, event } of rows) {
        if (event !== null && wants(event)) frames.push(...framesOf(reader, [event], () => position));
      }
      from = rows.at(-1)?.position ?? from;
      if (frames.length > mostBehind || from - after > look.most) return tooFar(await findHead(tx, tenant));
      if (rows.length < look.page) return { frames, from };
    }
  }
  const head = await findHead(tx, tenant);
  const resync = resyncFrame('unknown_position', head);
  if (snapshot === undefined) return { frames: [resync], from: head };
  return { frames: [resync, snapshotFrame(head, await snapshot(tx))], from: head };
}

const framesOf = (reader: Principal, events: readonly LoggedEvent[], number: (event: LoggedEvent) => number): Buffer[] =>
  events.flatMap((event) => {
    const telling = tellingOf(reader, event);
    return telling === 'nothing' ? [] : [eventFrame(reader.tenant, event, telling, number(event))];
  });
