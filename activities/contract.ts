/** What workflows may ask of the outside, as types only; `index.ts` has the implementation. All arguments are plain JSON: ids, enums, numbers, instants. */
import type { BulkState, BulkTotals } from '../domain/bulk/outcome.js';
import type { AgentId, ContentId, CustomerId, TeamId, TenantId, TicketId } from '../domain/ids.js';
import type { ActionRequest, ActionResult } from '../domain/journey/action.js';
import type { CompiledTemplate } from '../domain/journey/compile.js';
import type { Choice, Fault } from '../domain/journey/expression.js';
import type { JsonObject } from '../domain/journey/json.js';
import type { EffectFields, EffectId, OccurredEvent, Person, ReportFields } from '../domain/journey/run/effect.js';
import type { HandoffRecord, JourneyRecord } from '../domain/journey/run/record.js';
import type { JourneyStart } from '../domain/journey/run/state.js';
import type { ErasureStage } from '../domain/privacy/erasure.js';
import type { CalendarRef, MatchField, SlaPlan } from '../domain/sla/policy.js';
import type { ReprojectionCounts, ReprojectionState } from '../domain/sla/preview.js';
import type { Windows } from '../domain/sla/windows.js';
import type { TicketStep } from '../domain/ticket/step.js';
import type { Ticket } from '../domain/ticket/ticket.js';
import type { Instant } from '../domain/time.js';

export interface ProjectionResult {
  /** Highest version stored for the ticket. */
  readonly stored: number;
  /** Another run or another command holds these versions: nothing was written, the workflow has to renumber from `stored`. */
  readonly conflict: boolean;
  /** A ticket's notices to staff go out in batches; absent, as before there were batches: its run delivers each by itself. */
  readonly notices?: 'relayed';
}

export interface ProjectionActivities {
  /** Records the steps in order, each at most once; a repeated call changes nothing. */
  readonly project: (steps: readonly TicketStep[]) => Promise<ProjectionResult>;
}

export interface DeliveryRequest {
  readonly tenant: TenantId;
  readonly ticketId: TicketId;
  /** The planned message; all its recipients are worked through. */
  readonly message: string;
}

/** How many ledger rows of the message ended how. */
export interface DeliveryResult {
  readonly sent: number;
  readonly failed: number;
  readonly unknown: number;
  readonly suppressed: number;
}

export interface DeliveryActivities {
  /** Sends one planned message to each of its recipients: each at most once, or kept as `unknown`. Throws only what may be tried again. */
  readonly deliver: (request: DeliveryRequest) => Promise<DeliveryResult>;
}

export interface GiveUpActivities {
  /** Ends what is still open of a message that could not be delivered in its time: `failed`, or `unknown` where the wire was reached. */
  readonly giveUp: (request: DeliveryRequest) => Promise<DeliveryResult>;
}

/** A batch of notices to staff, from tickets of one tenant. */
export interface NoticesRequest {
  readonly tenant: TenantId;
  readonly batch: string;
}

export interface NoticeActivities {
  /** Brings each notice of the batch to each of its recipients, as `deliver` does with one. Those that are through stay so when it is called again. */
  readonly deliverNotices: (request: NoticesRequest) => Promise<DeliveryResult>;
}

export interface NoticeEndActivities {
  /** Ends what is still open of the batch, as `giveUp` does with one message. */
  readonly giveUpNotices: (request: NoticesRequest) => Promise<DeliveryResult>;
}

/** What of a ticket decides under which policy it falls, and on which calendar. */
export interface PlanFacts extends Pick<Ticket, 'product' | 'priority' | 'category' | 'channel' | 'team' | 'requester'> {
  /** The content row that holds its tags. */
  readonly tags: ContentId;
}

export interface PlanRequest {
  readonly tenant: TenantId;
  readonly ticketId: TicketId;
  /** Revision of the policy set the ticket has pinned; 0: none. */
  readonly set: number;
  readonly facts: PlanFacts;
  /** Stays as it is when the policy that matches asks for the same calendar; else, and when absent, the newest revision is taken. */
  readonly pinned?: CalendarRef;
  /** Where the windows begin: the oldest instant that still matters. */
  readonly from: Instant;
  readonly now: Instant;
}

export interface PlanResult {
  /** Null: no policy matches, so there are no clocks. */
  readonly plan: SlaPlan | null;
  /** Open windows of the plan's calendar, past the furthest instant it can need; null without a plan. */
  readonly windows: Windows | null;
  /** What some policy of the set asks about: a change of anything else matches as before. */
  readonly rematchOn: readonly MatchField[];
  /** Some policy runs on the team's calendar: a move to another team is to be planned anew. */
  readonly teamCalendar: boolean;
}

export interface ExpandRequest {
  readonly tenant: TenantId;
  readonly calendar: CalendarRef;
  readonly from: Instant;
  readonly until: Instant;
  /** Open time that must lie within, counted from `needFrom`. */
  readonly needMs: number;
  readonly needFrom: Instant;
}

export interface PlanningActivities {
  /** The policy and the calendar a ticket falls under. Fails for good only when the revision it pinned was never published. */
  readonly planSla: (request: PlanRequest) => Promise<PlanResult>;
  /** A calendar revision as open windows. Those end after five years at the latest, even if less open time than needed lies within. */
  readonly expandCalendar: (request: ExpandRequest) => Promise<Windows>;
}

export interface AgentRequest {
  readonly tenant: TenantId;
  readonly ticketId: TicketId;
  /** Null: the ticket's own team. */
  readonly team: TeamId | null;
}

export interface StaffingActivities {
  /** The next eligible agent of a team other than the present one; null: nobody. */
  readonly findAgent: (request: AgentRequest) => Promise<{ readonly agent: AgentId; readonly team: TeamId } | null>;
}

/** One revision of the policies on its way to open tickets. */
export interface ReprojectionRequest {
  readonly tenant: TenantId;
  readonly revision: number;
}

export interface ReprojectionStatus {
  readonly state: ReprojectionState;
  /** Open tickets under an older revision when it was published. */
  readonly total: number;
  readonly counts: ReprojectionCounts;
}

export interface ReprojectionPageRequest extends ReprojectionRequest {
  /** The last ticket of the page before; null: from the first on. */
  readonly after: TicketId | null;
  readonly limit: number;
}

export interface ReprojectionPage {
  /** The last ticket of this page; `after` when there was none. */
  readonly last: TicketId | null;
  /** No ticket is left behind it. */
  readonly isLast: boolean;
  /** Of the whole job so far. */
  readonly counts: ReprojectionCounts;
}

export interface ReprojectionActivities {
  /** How far a job is. Fails until the revision is published with it. */
  readonly findReprojection: (request: ReprojectionRequest) => Promise<ReprojectionStatus>;
  /** Moves the next tickets to the revision and keeps what came of each; a repeated call asks no ticket twice. */
  readonly reprojectPage: (request: ReprojectionPageRequest) => Promise<ReprojectionPage>;
  /** Notes that a job goes on, pauses or is over. */
  readonly markReprojection: (request: ReprojectionRequest & { readonly state: ReprojectionState }) => Promise<void>;
}

/** A batch that somebody has started. */
export interface BatchRequest {
  readonly tenant: TenantId;
  /** The id of its job. */
  readonly batch: string;
}

export interface BatchStatus extends BulkTotals {
  readonly state: Exclude<BulkState, 'previewed'>;
  /** Every instance has settled, and the job says so. */
  readonly ended: boolean;
  /** Instances that may be begun in a second. */
  readonly rate: number;
}

export interface BatchPage {
  /** Instances that have not settled, in the order of their turns. */
  readonly items: readonly { readonly n: number; readonly ref: string }[];
  readonly status: BatchStatus;
}

export interface BulkActivities {
  /** How far a batch is. Fails until the transaction that starts it has ended. */
  readonly findBatch: (request: BatchRequest) => Promise<BatchStatus>;
  /** The next instances behind the turn `after`. */
  readonly readBatchPage: (request: BatchRequest & { readonly after: number; readonly limit: number }) => Promise<BatchPage>;
  /**
   * Asks one instance, under a command id of the batch and its turn, and keeps what came of it; a repeated call asks nothing twice.
   *
   * @returns `no_answer`: nothing is known, and nothing was kept; never with `isLast`
   */
  readonly askInstance: (request: BatchRequest & { readonly n: number; readonly isLast: boolean }) => Promise<'settled' | 'no_answer'>;
  /** Notes that a batch runs, pauses or is cancelled; what was never asked is left out with that. */
  readonly markBatch: (request: BatchRequest & { readonly state: 'running' | 'paused' | 'cancelled' }) => Promise<BatchStatus>;
  /** Ends a batch, unless something has not settled yet. */
  readonly endBatch: (request: BatchRequest) => Promise<BatchStatus>;
}

/** The journey that asks: whose data it may see, and under which template. */
export interface JourneyRef extends Pick<JourneyStart, 'journeyId' | 'template' | 'subject'> {
  readonly tenant: TenantId;
  /** Where one of its handoffs asks: the package that receives. */
  readonly receiver?: string;
}

/** What a journey asks of an effect, beside who asks. */
type Asking<Kind extends keyof EffectFields> = { readonly journey: JourneyRef; readonly effect: EffectId } & EffectFields[Kind];

/** Questions of a journey; each answer is recorded, so that a replay takes the same way. Failures are the database's, never an expression's. */
export interface JourneyQuestionActivities {
  /** The compiled form of a published version. Fails for good when there is none of this hash. */
  readonly loadTemplate: (wanted: { readonly tenant: TenantId; readonly template: JourneyStart['template'] }) => Promise<CompiledTemplate>;
  /** Which guard holds first; texts behind `$ref` and attributes of the subject are looked up for it, and go no further. */
  readonly evaluateGuards: (request: Asking<'guards'>) => Promise<Choice>;
  /** What lies at paths outside of the journey; texts and what is personal stay in the database, and come as `{"$ref"}`. */
  readonly findValues: (request: Asking<'values'>) => Promise<JsonObject>;
  /** Active people who are named, or hold one of the roles or are in one of the teams. */
  readonly findPeople: (request: Asking<'people'>) => Promise<{ readonly people: readonly Person[]; readonly fault: Fault | null }>;
  /** SHA-256 of the canonical form, in hex. */
  readonly hashEvidence: (request: Asking<'hash'>) => Promise<string>;
  readonly nextLocalTime: (request: Asking<'localTime'>) => Promise<Instant>;
  /** When the quiet hours are over; null: the hours are not quiet. */
  readonly quietUntil: (request: Asking<'quiet'>) => Promise<Instant | null>;
  readonly afterOpenTime: (request: Asking<'openTime'>) => Promise<readonly Instant[]>;
  readonly weighEvent: (request: Asking<'weigh'>) => Promise<Pick<ReportFields['weighed'], 'verdicts' | 'trace'>>;
  readonly lookBack: (request: Asking<'lookBack'>) => Promise<readonly OccurredEvent[]>;
}

export interface JourneyProjectionActivities {
  /** Records reactions in order, each event at most once; a repeated call changes nothing. */
  readonly projectJourney: (records: readonly JourneyRecord[]) => Promise<ProjectionResult>;
  readonly projectHandoff: (records: readonly HandoffRecord[]) => Promise<ProjectionResult>;
}

export interface JourneyActionActivities {
  /** One attempt of an action; recorded before it leaves. Throws nothing that an action can end with. */
  readonly runAction: (request: ActionRequest) => Promise<ActionResult>;
}

/** One message of a journey to its subject. */
export type TouchpointRequest = Asking<'touchpoint'>;

export interface TouchpointActivities {
  /** Plans a message once, sends it at most once and tells what became of it. Throws only what may be tried again. */
  readonly deliverTouchpoint: (request: TouchpointRequest) => Promise<{ readonly outcome: 'sent' | 'capped' | 'failed' }>;
}

/** A journey that a step of another one starts. */
export interface ChildEntry extends Asking<'openChild'> {
  /** Who started the parent; null: nobody. */
  readonly requester: string | null;
}

export interface EnteredChild {
  readonly journey: string;
  /** It ran already. */
  readonly joined?: true;
  /** It ended before it could be asked to tell. */
  readonly ended?: JourneyEnding;
}

/** How a journey ended. */
export interface JourneyEnding {
  readonly outcome: string;
  readonly result: 'won' | 'lost' | null;
}

export interface EntryActivities {
  /**
   * Starts a child journey; the same effect again finds the one it started. One that runs already is joined: it will tell its end here, too.
   *
   * @returns the journey, or why it may not start: the reason of the entry check, `unknown_template`, `input_invalid`
   */
  readonly enterChild: (request: ChildEntry) => Promise<EnteredChild | { readonly refused: string }>;
  /** Lets a schedule of a template fire, if it is its turn; the same instant again changes nothing. */
  readonly fireSchedule: (firing: ScheduleFiring) => Promise<void>;
}

/** A person who is to be erased. */
export interface ErasureRequest {
  readonly tenant: TenantId;
  readonly customer: CustomerId;
  /** The request that was confirmed. */
  readonly erasure: string;
}

export interface ErasurePageRequest extends ErasureRequest {
  readonly stage: ErasureStage;
  /** The last id of the page before; null: from the first on. */
  readonly after: string | null;
  readonly limit: number;
}

export interface ErasurePage {
  /** The last id of this page; `after` when there was none. */
  readonly last: string | null;
  readonly isLast: boolean;
  /** Tickets closed, journeys cancelled, or rows in which something was erased: by this call alone. */
  readonly changed: number;
}

export interface ErasureActivities {
  /**
   * Marks the person, so that nothing more is sent to them; a repeated call changes nothing.
   *
   * @returns `over`: the person is erased already; `unconfirmed`: the transaction that confirms it has not ended, or was taken back
   */
  readonly markErasing: (request: ErasureRequest) => Promise<'erasing' | 'over' | 'unconfirmed'>;
  /** The next page of a stage; a repeated call does only what is left. */
  readonly erasePage: (request: ErasurePageRequest) => Promise<ErasurePage>;
  /** Leaves a tombstone and the proof. */
  readonly finishErasure: (request: ErasureRequest) => Promise<void>;
}

/** A schedule trigger whose time has come. */
export interface ScheduleFiring {
  readonly tenant: TenantId;
  readonly template: string;
  readonly trigger: string;
  readonly at: Instant;
}

/** One event on its way to one endpoint. */
export interface WebhookRequest {
  readonly tenant: TenantId;
  readonly endpoint: string;
  readonly delivery: string;
  /** Raised by each replay: a run of an earlier one has nothing to do any more. */
  readonly round: number;
}

export interface WebhookActivities {
  /**
   * Sends it once, and records what came of it. Throws while another attempt is due, with the time until then.
   *
   * @returns `disabled`: this attempt was the last straw, and the owner of the endpoint is to be told
   */
  readonly attemptWebhook: (
    request: WebhookRequest,
  ) => Promise<{ readonly state: 'succeeded' | 'failed' | 'dropped' | 'pending'; readonly disabled: boolean }>;
  /** Tells the owner of an endpoint, by mail, that it was disabled; at most once more when nobody knows whether the first mail went out. */
  readonly tellOwner: (request: Pick<WebhookRequest, 'tenant' | 'endpoint'>) => Promise<void>;
}

/** What journeys and handoffs ask. */
export type JourneyActivities = JourneyQuestionActivities &
  JourneyProjectionActivities &
  JourneyActionActivities &
  TouchpointActivities &
  EntryActivities;

export type Activities = ProjectionActivities &
  DeliveryActivities &
  NoticeActivities &
  NoticeEndActivities &
  GiveUpActivities &
  PlanningActivities &
  StaffingActivities &
  ReprojectionActivities &
  BulkActivities &
  ErasureActivities &
  WebhookActivities &
  JourneyActivities;
