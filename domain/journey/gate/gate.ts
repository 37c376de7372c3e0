/**
 * One vote: who may, how many are needed, and when it is over. Steps of kind approval and the gates of handoffs are the same thing.
 * Source: journeys.md, section 9; scripts.md, section 3.
 */
import type { Refused } from '../../decision.js';
import type { Instant } from '../../time.js';
import type { ContentId } from '../../ids.js';
import type { Gate } from '../step.js';
import type { JourneyCode } from '../run/command.js';
import type { Person } from '../run/effect.js';

export interface Vote {
  /** Counts up in the record, from 1. */
  readonly n: number;
  readonly by: string;
  /** The person whose vote it is, when another one gave it. */
  readonly onBehalfOf: string | null;
  readonly decision: 'approve' | 'reject';
  readonly at: Instant;
  readonly comment: ContentId | null;
  /** Of an earlier round: visible, and counted no more. */
  readonly void: boolean;
  readonly round: number;
}

export interface Delegation {
  readonly from: string;
  readonly to: string;
  readonly at: Instant;
  /** Null: as long as the vote is open. */
  readonly until: Instant | null;
}

export type GateOutcome = 'approved' | 'rejected' | 'timeout' | 'cancelled';
/** What brought the outcome: a deadline can approve, too. */
export type GateCause = 'vote' | 'timeout' | 'cancelled';

/** Plain JSON; of bounded size. */
export interface GateState {
  readonly round: number;
  /** When this round began. */
  readonly openedAt: Instant;
  /** Ladder and deadline count from here: the opening, moved on by pauses. */
  readonly countsFrom: Instant;
  readonly requester: string | null;
  /** People who voted before in the journey; without four eyes they may vote again. */
  readonly earlierVoters: readonly string[];
  /** Without the requester and, with four eyes, without earlier voters; each with those roles only that matter here. */
  readonly eligible: readonly Person[];
  /** Rungs whose people have come in, in order of the ladder. */
  readonly joined: readonly number[];
  /** Votes for it that are needed; with `per_group` the sum over the groups. */
  readonly required: number;
  /** This round's, and the last void ones. */
  readonly votes: readonly Vote[];
  /** At most one from each person. */
  readonly delegations: readonly Delegation[];
  /** Rungs of this round that were reached, by position. */
  readonly escalations: readonly { readonly rung: number; readonly at: Instant }[];
  readonly evidenceHash: string | null;
  readonly dueAt: Instant | null;
  readonly outcome: GateOutcome | null;
  readonly cause: GateCause | null;
  readonly closedAt: Instant | null;
}

interface FactFields {
  readonly 'approval.opened': {
    readonly round: number;
    readonly required: number;
    readonly eligible: readonly string[];
    readonly dueAt: Instant | null;
    readonly evidenceHash: string | null;
  };
  readonly 'approval.voted': {
    readonly round: number;
    readonly by: string;
    readonly onBehalfOf: string | null;
    readonly decision: 'approve' | 'reject';
    readonly comment: ContentId | null;
  };
  readonly 'approval.delegated': { readonly from: string; readonly to: string; readonly until: Instant | null };
  readonly 'approval.escalated': { readonly rung: number; readonly action: 'remind' | 'add' | 'replace' };
  /** Other people may vote now, or another number is needed. */
  readonly 'approval.changed': { readonly required: number; readonly eligible: readonly string[] };
  readonly 'approval.stale': { readonly round: number };
  readonly 'approval.closed': { readonly outcome: GateOutcome; readonly cause: GateCause };
}
export type GateFactType = keyof FactFields;
/** What happened to a vote, each at its true instant; all but `type` and `at` are data of the event of that type. */
export type GateFact = {
  readonly [Type in GateFactType]: { readonly type: Type; readonly at: Instant } & FactFields[Type];
}[GateFactType];

/** People a vote asks for: those of a rung, or with `dynamic` all that it is open to now. `whoIsWanted` says who they are. */
export type Wanted = number | 'dynamic';

export interface GateStep {
  readonly ok: true;
  readonly gate: GateState;
  /** In order; empty when nothing changed. */
  readonly facts: readonly GateFact[];
  /** Whose people have to be found and brought with `withPeople`: rungs `add` and `replace`, and with `dynamic` after each vote. */
  readonly wanted: readonly Wanted[];
  /** Nobody is left who could make it, whatever they say: incident `quorum_unsatisfiable`. The vote itself stays open. */
  readonly unsatisfiable: boolean;
}
/** Why a vote or a delegation is refused. */
export type GateCode = Extract<
  JourneyCode,
  'requester_excluded' | 'not_eligible' | 'already_voted' | 'approval_closed' | 'comment_required' | 'delegation_invalid'
>;
export type GateAnswer = GateStep | Refused<GateCode>;
export type GateRules = Gate<number>;
