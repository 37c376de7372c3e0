/** What happened to the tickets of a sample desk: who said what when. */
import { Draws } from './draws.js';
import { agentOf, contentOf, customerOf, sampleProduct, teamOf, ticketOf } from './plan.js';
import type { SampleSize } from './plan.js';
import { lineOf, proseOf } from './words.js';
import { asProductKey } from '../../domain/ids.js';
import type { ContentId, TenantId } from '../../domain/ids.js';
import type { CommandFields, Envelope, TicketCommand } from '../../domain/ticket/command.js';
import type { TicketSettings } from '../../domain/ticket/ticket.js';
import { day, hour, minute } from '../../domain/time.js';
import type { Instant } from '../../domain/time.js';

/** Closed tickets go back this far. */
const reach = 365 * day;
/** Open ones came in the last of it. */
const openReach = 14 * day;

export const sampleCategories = ['Billing', 'Delivery', 'Technical', 'Account', 'Appointment'] as const;
const tags = ['invoice', 'refund', 'vip', 'outage', 'upgrade', 'cancel', 'mobile', 'fiber'] as const;
const priorities = ['low', 'medium', 'medium', 'medium', 'high', 'high', 'urgent'] as const;
const channels = ['email', 'email', 'web', 'web', 'phone', 'api'] as const;

/** No mail goes out, whatever happens to such a ticket later. */
export const sampleSettings: TicketSettings = {
  reopenWindowS: (7 * day) / 1_000,
  mail: { acknowledgement: false, reply: false, resolved: false },
};

/** A text of a ticket, before it is stored. */
export interface StoryText {
  readonly id: ContentId;
  readonly kind: 'opening' | 'message' | 'note';
  readonly visibility: 'public' | 'internal';
  readonly author: { readonly kind: 'customer' | 'agent'; readonly id: string };
  readonly subject: string | null;
  readonly body: string;
  readonly tags: readonly string[];
  readonly at: Instant;
}

export interface Story {
  readonly number: number;
  readonly moments: readonly { readonly at: Instant; readonly command: TicketCommand }[];
  readonly texts: readonly StoryText[];
}

/** Tells one ticket's story: the earlier of a desk are closed, the last are still open, at every stage. */
export function storyOf(tenant: TenantId, size: SampleSize, until: Instant, number: number): Story {
  const draws = new Draws(number + 1);
  const firstOpen = size.tickets - size.open;
  const isOpen = number >= firstOpen;
  const share = isOpen ? (number - firstOpen) / size.open : number / firstOpen;
  const from = isOpen ? until - openReach : until - reach;
  const stretch = isOpen ? openReach - hour : reach - openReach - 21 * day;
  const teller = new Teller(tenant, size, draws, number, Math.floor(from + share * stretch));
  teller.open();
  if (isOpen) teller.tellOpen(until);
  else teller.tellClosed();
  return teller.story();
}

class Teller {
  private readonly tenant: TenantId;
  private readonly draws: Draws;
  private readonly number: number;
  private readonly customer: ReturnType<typeof customerOf>;
  private readonly agent: ReturnType<typeof agentOf>;
  private readonly team: ReturnType<typeof teamOf>;
  private readonly moments: { at: Instant; command: TicketCommand }[] = [];
  private readonly texts: StoryText[] = [];
  private at: Instant;

  constructor(tenant: TenantId, size: SampleSize, draws: Draws, number: number, at: Instant) {
    this.tenant = tenant;
    this.draws = draws;
    this.number = number;
    this.at = at;
    this.customer = customerOf(draws.logUniform(size.customers));
    const agent = draws.below(size.agents);
    this.agent = agentOf(agent);
    this.team = teamOf(agent % size.teams);
  }

  story(): Story {
    return { number: this.number, moments: this.moments, texts: this.texts };
  }

  open(): void {
    const { draws, tenant, number, customer, team } = this;
    const content = this.write('opening', 'customer', draws.between(20, 90), lineOf(draws, 6));
    this.byCustomer({
      kind: 'open',
      tenant,
      ticketId: ticketOf(number),
      scope: `sample/${number}`,
      product: asProductKey(sampleProduct),
      channel: draws.pick(channels),
      priority: draws.pick(priorities),
      category: draws.pick(sampleCategories),
      requester: customer,
      copied: [],
      content,
      team,
      settings: sampleSettings,
    });
  }

  /** Two answers, sometimes a note and a reopening, and the end of the reopen window. */
  tellClosed(): void {
    const { draws } = this;
    this.pass(10 * minute, 6 * hour);
    this.claim();
    if (draws.isTrue(0.2)) this.note();
    this.pass(5 * minute, 8 * hour);
    this.reply('waiting_on_customer');
    this.pass(30 * minute, 2 * day);
    this.receive();
    this.pass(10 * minute, day);
    this.reply('resolved');
    if (draws.isTrue(0.1)) {
      this.pass(hour, 3 * day);
      this.receive();
      this.pass(hour, day);
      this.reply('resolved');
    }
    this.at += 7 * day;
    this.bySystem({ kind: 'close', cause: 'window' });
  }

  /** As far as it has come by then; nothing lies in the future. */
  tellOpen(until: Instant): void {
    const steps: (() => void)[] = [
      () => this.claim(),
      () => this.reply('waiting_on_customer'),
      () => this.receive(),
      () => (this.draws.isTrue(0.5) ? this.reply('resolved') : this.byAgent({ kind: 'hold' })),
    ];
    const stage = this.draws.below(steps.length + 1);
    for (const step of steps.slice(0, stage)) {
      this.pass(2 * minute, 14 * minute);
      if (this.at > until) return;
      step();
    }
  }

  private pass(least: number, most: number): void {
    this.at += this.draws.between(least, most);
  }

  private claim(): void {
    this.byAgent({ kind: 'claim', agent: this.agent });
  }

  private note(): void {
    this.byAgent({ kind: 'note', content: this.write('note', 'agent', 15) });
  }

  private reply(then: 'waiting_on_customer' | 'resolved'): void {
    this.byAgent({ kind: 'reply', content: this.write('message', 'agent', this.draws.between(15, 60)), then });
  }

  private receive(): void {
    const content = this.write('message', 'customer', this.draws.between(8, 50));
    this.byCustomer({ kind: 'receive', content, author: this.customer });
  }

  private write(kind: StoryText['kind'], by: 'customer' | 'agent', words: number, subject: string | null = null): ContentId {
    const { draws, number, at } = this;
    const id = contentOf(number, this.texts.length);
    this.texts.push({
      id,
      kind,
      visibility: kind === 'note' ? 'internal' : 'public',
      author: { kind: by, id: by === 'agent' ? this.agent : this.customer },
      subject,
      body: proseOf(draws, words),
      tags: kind === 'opening' && draws.isTrue(0.4) ? [draws.pick(tags)] : [],
      at,
    });
    return id;
  }

  private byCustomer(fields: Act): void {
    this.tell({ actor: `customer/${this.customer}`, role: 'customer', source: 'api' }, fields);
  }

  private byAgent(fields: Act): void {
    this.tell({ actor: `user/${this.agent}`, role: 'agent', source: 'api' }, fields);
  }

  private bySystem(fields: Act): void {
    this.tell({ actor: 'system/ticket', role: 'system', source: 'system' }, fields);
  }

  private tell(who: Omit<Envelope, 'commandId'>, act: Act): void {
    const commandId = `sample-${this.number}-${this.moments.length}`;
    this.moments.push({ at: this.at, command: { ...who, ...act, commandId } });
  }
}

/** What is done, without who does it. */
type Act = { [Kind in keyof CommandFields]: { readonly kind: Kind } & CommandFields[Kind] }[keyof CommandFields];
