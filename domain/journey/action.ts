/**
 * Actions: what automated steps and automatic handoffs ask of the world outside. A template names one as `name@major`; what it takes, what it
 * gives and whether it may be repeated is declared here, how it is done stands behind ports. Source: journeys.md, sections 2 and 8.
 */
import type { Instant } from '../time.js';
import type { Json, JsonObject } from './json.js';
import type { JsonSchema } from './json-schema.js';
import { packages } from './template.js';

/** `none`: asking changes nothing; `idempotent`: the same key again changes nothing more; `once`: nobody can tell twice from once afterwards. */
export type Effect = 'none' | 'idempotent' | 'once';

export interface ActionDeclaration {
  /** `crm.qualify_lead`. */
  readonly name: string;
  /** Raised when its input or output changes its meaning; the older one stays as long as a template calls it. */
  readonly major: number;
  /** One line for authors. */
  readonly summary: string;
  readonly input: JsonSchema;
  /** A text that is no id is declared with the format `text`: the journey is given the id of its content row. */
  readonly output: JsonSchema;
  readonly effect: Effect;
  /** Refusals that templates may name in `catch` and `nonRetryable`; any other is `Rejected`. */
  readonly errors?: readonly string[];
}

/** Errors that any action may end with. The first two may be tried again. */
export const actionErrors = {
  unavailable: 'Unavailable',
  timeout: 'timeout',
  rejected: 'Rejected',
  unknownAction: 'unknown_action',
  invalidInput: 'invalid_input',
  invalidOutput: 'invalid_output',
  contentMissing: 'content_missing',
  notConfigured: 'not_configured',
} as const;

/** One call of an action by a step. All of it is ids, enums and numbers; texts of the input travel as `{"$ref": <content id>}`. */
export interface ActionRequest {
  readonly tenant: string;
  readonly journeyId: string;
  readonly step: string;
  readonly visit: number;
  /** Of a `forEach`; else null. */
  readonly item: string | null;
  /** Counted by the journey; no part of the effect's key. */
  readonly attempt: number;
  /** `name@major`. */
  readonly effect: string;
  readonly input: JsonObject;
  /** Whom or what the effect is for, an id. */
  readonly recipient: string;
  /** Members of the output whose values are personal: they come back as `{"$ref"}`, whatever they are declared as. */
  readonly pii?: readonly string[];
  /** A person has decided that what nobody can tell the end of is asked for once more. */
  readonly release?: true;
}

/** What became of a call. `late`: it came when the attempt was over already, or another had taken its place. */
export type ActionResult =
  | { readonly state: 'done'; readonly output: JsonObject; readonly late?: true }
  | { readonly state: 'failed'; readonly error: string; readonly retryable: boolean }
  /** Nobody can say whether it was done, and it must not be done twice: a person decides. */
  | { readonly state: 'unknown'; readonly error: string };

/**
 * The name of an effect, for our ledger and for the provider: the same for every attempt, run and worker.
 *
 * Source: reliability.md, R1
 */
export const effectKey = ({
  journeyId,
  step,
  visit,
  item,
  effect,
  recipient,
}: Omit<ActionRequest, 'input' | 'attempt' | 'tenant'>): string =>
  ['journey', journeyId, step, String(visit), ...(item === null ? [] : [item]), effect, recipient].map(keyPart).join('/');

/** Nothing in a part may look like the end of it, and all of it has to fit into an HTTP header. */
const keyPart = (part: string): string =>
  part.replace(/[^A-Za-z0-9_.:@-]/g, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

export const actionStates = ['planned', 'sending', 'done', 'failed', 'unknown'] as const;
export type ActionState = (typeof actionStates)[number];

/** What follows for the next attempt from how the ledger says the last one ended. */
export type ActionTurn =
  | { readonly kind: 'call' }
  /** Its answer is there already. */
  | { readonly kind: 'answered' }
  /** Another attempt may still be under way, and the effect must not happen twice. */
  | { readonly kind: 'wait'; readonly until: Instant }
  /** An attempt may have reached the provider, and nobody came back to tell. */
  | { readonly kind: 'unknown' };

/**
 * Whether an effect may be asked for (again).
 *
 * @param leaseUntil when an attempt that is under way has certainly ended
 * Source: reliability.md, R1 and R3
 */
export function actionTurn(
  { state, effect, leaseUntil }: { readonly state: ActionState; readonly effect: Effect; readonly leaseUntil: Instant | null },
  now: Instant,
): ActionTurn {
  switch (state) {
    case 'done':
      return { kind: 'answered' };
    case 'planned':
    case 'failed':
      return { kind: 'call' };
    case 'unknown':
      return effect === 'once' ? { kind: 'unknown' } : { kind: 'call' };
    case 'sending':
      if (effect !== 'once') return { kind: 'call' };
      return leaseUntil !== null && leaseUntil > now ? { kind: 'wait', until: leaseUntil } : { kind: 'unknown' };
  }
}

/** `name@major`. */
export const actionName = ({ name, major }: Pick<ActionDeclaration, 'name' | 'major'>): string => `${name}@${major}`;

/** Declarations by the name that templates call them by, as validation and the activity look them up. */
export const actionRegistry = (declarations: readonly ActionDeclaration[]): ReadonlyMap<string, ActionDeclaration> =>
  new Map(declarations.map((declaration) => [actionName(declaration), declaration]));

/** What an automatic handoff calls at the package that receives it. */
export const handoffAction = (receiver: string): string => `${receiver}.accept_handoff@1`;

/** Values that may stand in the state of a journey as they are. Source: journeys.md, section 1. */
export const idPattern = /^[A-Za-z0-9_.:-]{1,128}$/;

/** A text kept outside of the journey, by its content row. */
export const contentRef = (value: Json): string | null => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const [[key, id] = [], ...others] = Object.entries(value);
  return key === '$ref' && typeof id === 'string' && others.length === 0 ? id : null;
};

const id: JsonSchema = { type: 'string', minLength: 1, maxLength: 128, format: 'id' };
const text: JsonSchema = { type: 'string', maxLength: 10_000, format: 'text' };
const word: JsonSchema = { type: 'string', minLength: 1, maxLength: 200 };
const score: JsonSchema = { type: 'number', minimum: 0, maximum: 100 };
const object = (properties: Readonly<Record<string, JsonSchema>>, required: readonly string[]): JsonSchema => ({
  type: 'object',
  properties,
  required,
});

const receivers: readonly ActionDeclaration[] = packages.map((receiver) => ({
  name: `${receiver}.accept_handoff`,
  major: 1,
  summary: `Offers a handoff to ${receiver}, which accepts it or says why not.`,
  input: object({ handoffId: id, journeyId: id, stepId: id, from: word, to: word, data: { type: 'object' } }, [
    'handoffId',
    'from',
    'to',
    'data',
  ]),
  output: object({ accepted: { const: true }, reference: id }, ['accepted']),
  effect: 'idempotent',
  errors: ['handoff_refused', 'data_incomplete'],
}));

/** Every action that comes with the product. */
export const builtInActions: readonly ActionDeclaration[] = [
  {
    name: 'crm.qualify_lead',
    major: 1,
    summary: 'Scores a lead from 0 to 100 and records it in the CRM. A score that came with the lead is kept.',
    input: object(
      {
        leadId: id,
        leadScore: score,
        qualificationScore: score,
        interestedServices: { type: 'array', items: word, maxItems: 100 },
        priority: word,
        source: word,
      },
      ['leadId'],
    ),
    output: object({ score, qualified: { type: 'boolean' } }, ['score']),
    effect: 'idempotent',
    errors: ['lead_not_found'],
  },
  {
    name: 'crm.recommend_plan',
    major: 1,
    summary: 'Chooses the plan to offer to a customer, with the reason to tell.',
    input: object({ customerId: id, usagePercentage: { type: 'number', minimum: 0 } }, ['customerId']),
    output: object({ plan: id, reason: text }, ['plan']),
    effect: 'none',
    errors: ['customer_not_found'],
  },
  {
    name: 'service.analyze_usage',
    major: 1,
    summary: 'Measures how much of its plan a customer uses.',
    input: object({ customerId: id }, ['customerId']),
    output: object({ usagePercentage: { type: 'number', minimum: 0 }, trend: { enum: ['falling', 'steady', 'rising'] } }, [
      'usagePercentage',
    ]),
    effect: 'none',
    errors: ['customer_not_found'],
  },
  {
    name: 'service.test',
    major: 1,
    summary: 'Tests the service of a customer end to end.',
    input: object({ customerId: id, serviceId: id, serviceType: word }, ['customerId']),
    output: object({ passed: { type: 'boolean' }, testId: id }, ['passed']),
    effect: 'none',
    errors: ['service_not_found'],
  },
  {
    name: 'ticket.triage',
    major: 1,
    summary: 'Gives a ticket the category and the priority it lacks.',
    input: object({ ticketId: id, category: word, priority: word }, ['ticketId']),
    output: object({ category: word, priority: word }, ['category', 'priority']),
    effect: 'idempotent',
    errors: ['ticket_not_found', 'ticket_closed'],
  },
  {
    name: 'ticket.assign',
    major: 1,
    summary:
      'Gives a ticket to the member of its team with the fewest open ones, admins last. Who has it already keeps it; nobody there is no failure.',
    input: object({ ticketId: id }, ['ticketId']),
    output: object({ assigned: { type: 'boolean' }, agent: id }, ['assigned']),
    effect: 'idempotent',
    errors: ['ticket_not_found', 'ticket_closed'],
  },
  {
    name: 'billing.charge',
    major: 1,
    summary: 'Charges a customer, in cents. No answer means that nobody knows, and it is never asked again by itself.',
    input: object(
      { customerId: id, amountCents: { type: 'integer', minimum: 1 }, currency: { type: 'string', minLength: 3, maxLength: 3 } },
      ['customerId', 'amountCents', 'currency'],
    ),
    output: object({ chargeId: id }, ['chargeId']),
    effect: 'once',
    errors: ['card_declined', 'customer_not_found'],
  },
  {
    name: 'billing.refund',
    major: 1,
    summary: 'Gives a charge back; the compensation of `billing.charge`.',
    input: object({ chargeId: id }, ['chargeId']),
    output: object({ refundId: id }, ['refundId']),
    effect: 'idempotent',
    errors: ['charge_not_found'],
  },
  ...receivers,
];
