/**
 * What the packages answer. Everything follows from what they are asked and from the effect's key, so that the same question gets the same
 * answer, also after a restart. A few ids mean trouble: those that begin with `unknown` do not exist, those with `bad` fail their test.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';

/** A clear no. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

/** Something that happens at a package after it has answered, and that others want to hear of. */
export interface Happening {
  readonly type: string;
  /** The package it happened at. */
  readonly source: string;
  /** Members of the event beside its data: `customerId`, `journeyId`. */
  readonly about: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Done {
  readonly answer: Readonly<Record<string, unknown>>;
  readonly happenings?: readonly Happening[];
}

type Operation = (body: unknown, key: string) => Done;

/** @param most exclusive */
const number = (seed: string, most: number): number => createHash('sha256').update(seed).digest().readUInt32BE(0) % most;
const reference = (prefix: string, key: string): string => `${prefix}-${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;

const Id = z.string().min(1).max(128);

function parsed<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const { success, data } = schema.safeParse(body);
  if (!success) throw new Refusal(422, 'invalid_request');
  return data;
}

const known = (id: string, code: string): string => {
  if (id.startsWith('unknown')) throw new Refusal(404, code);
  return id;
};

const Lead = z.object({ leadId: Id, leadScore: z.number().optional(), qualificationScore: z.number().optional() });
const qualifyLead: Operation = (body) => {
  const { leadId, leadScore, qualificationScore } = parsed(Lead, body);
  const score = leadScore ?? qualificationScore ?? 30 + number(known(leadId, 'lead_not_found'), 71);
  return { answer: { leadId, score, qualified: score >= 50 } };
};

const plans = ['fiber-500', 'fiber-1000', 'fiber-2000'] as const;
const Recommendation = z.object({ customerId: Id, usagePercentage: z.number().optional() });
const recommendPlan: Operation = (body) => {
  const { customerId, usagePercentage = 50 } = parsed(Recommendation, body);
  const plan = plans[Math.min(Math.floor(usagePercentage / 50), plans.length - 1)] ?? plans[0];
  known(customerId, 'customer_not_found');
  return { answer: { plan, reason: `You use ${Math.round(usagePercentage)} % of your plan; ${plan} leaves you room.` } };
};

const Charge = z.object({ customerId: Id, amountCents: z.int().min(1), currency: z.string().length(3) });
const charge: Operation = (body, key) => {
  const { customerId, amountCents } = parsed(Charge, body);
  if (known(customerId, 'customer_not_found').startsWith('bad')) throw new Refusal(402, 'card_declined');
  return { answer: { chargeId: reference('CHG', key), amountCents } };
};

const refund: Operation = (body, key) => {
  const { chargeId } = parsed(z.object({ chargeId: Id }), body);
  return { answer: { refundId: reference('RFD', key), chargeId: known(chargeId, 'charge_not_found') } };
};

const Customer = z.object({ customerId: Id });
const analyzeUsage: Operation = (body) => {
  const customerId = known(parsed(Customer, body).customerId, 'customer_not_found');
  const trends = ['falling', 'steady', 'rising'] as const;
  return { answer: { usagePercentage: 20 + number(customerId, 80), trend: trends[number(`trend/${customerId}`, 3)] } };
};

const testService: Operation = (body, key) => {
  const customerId = known(parsed(Customer, body).customerId, 'service_not_found');
  return { answer: { passed: !customerId.startsWith('bad'), testId: reference('TST', key) } };
};

const Ticket = z.object({ ticketId: Id, category: z.string().optional(), priority: z.string().optional() });
const triageTicket: Operation = (body) => {
  const { ticketId, category, priority } = parsed(Ticket, body);
  const categories = ['connectivity', 'billing', 'equipment'] as const;
  known(ticketId, 'ticket_not_found');
  return { answer: { category: category ?? categories[number(ticketId, 3)], priority: priority ?? 'medium' } };
};

const assignTicket: Operation = (body) => {
  const ticketId = known(parsed(Ticket, body).ticketId, 'ticket_not_found');
  return { answer: { assigned: true, agent: `agent-${1 + number(ticketId, 9)}` } };
};

const Handoff = z.object({
  handoffId: Id,
  journeyId: Id.optional(),
  stepId: Id.optional(),
  from: z.string(),
  to: z.string(),
  data: z.record(z.string(), z.unknown()),
});
type Handoff = z.output<typeof Handoff>;

const textIn = (data: Handoff['data'], field: string): string | undefined => {
  const value = data[field];
  return typeof value === 'string' ? value : undefined;
};

/** What a package does some time after it has accepted. */
type Sequel = (handoff: Handoff, key: string) => Omit<Happening, 'about'>;

const receive =
  (prefix: string, sequel?: Sequel): Operation =>
  (body, key) => {
    const handoff = parsed(Handoff, body);
    const customerId = textIn(handoff.data, 'customerId');
    if (customerId?.startsWith('bad') === true) throw new Refusal(409, 'handoff_refused');
    const about = {
      ...(customerId === undefined ? {} : { customerId }),
      ...(handoff.journeyId === undefined ? {} : { journeyId: handoff.journeyId }),
    };
    return {
      answer: { accepted: true, reference: reference(prefix, key) },
      happenings: sequel === undefined ? [] : [{ about, ...sequel(handoff, key) }],
    };
  };

const activated: Sequel = ({ data }, key) => ({
  type: 'service:activated',
  source: 'business-logic',
  data: {
    serviceId: reference('SVC', key),
    serviceType: textIn(data, 'serviceType') ?? 'fiber',
    installationType: textIn(data, 'installationType') ?? 'standard',
  },
});

const scheduled: Sequel = ({ handoffId }, key) => ({
  type: 'field-ops:installation_scheduled',
  source: 'field-ops',
  data: { handoffId, appointmentId: reference('APT', key) },
});

const billed: Sequel = ({ handoffId }, key) => ({
  type: 'billing-system:account_opened',
  source: 'billing-system',
  data: { handoffId, accountId: reference('ACC', key) },
});

/** Operations by their path. */
export const operations: Readonly<Record<string, Operation>> = {
  '/crm/leads/qualify': qualifyLead,
  '/crm/plans/recommend': recommendPlan,
  '/crm/handoffs': receive('CRM'),
  '/billing/charges': charge,
  '/billing/refunds': refund,
  '/billing/handoffs': receive('BIL', billed),
  '/field-ops/handoffs': receive('WO', scheduled),
  '/business-logic/usage/analyze': analyzeUsage,
  '/business-logic/services/test': testService,
  '/business-logic/handoffs': receive('ORD', activated),
  '/support/tickets/triage': triageTicket,
  '/support/tickets/assign': assignTicket,
  '/support/handoffs': receive('SUP'),
};
