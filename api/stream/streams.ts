/** Live streams as services ask for them. */
import type { LoggedEvent } from '../../db/queries/stream.js';
import type { Principal } from '../../domain/access/principal.js';
import type { TenantId } from '../../domain/ids.js';

/** What numbers a stream: the tenant's positions, or the numbers of the one subject it tells of. */
export type Numbering = 'position' | 'seq';

/** What a reader wants to hear. */
export interface Subscription {
  readonly numbering: Numbering;
  /** Whether it is among what was asked for; who may hear it is another question. */
  readonly wants: (event: LoggedEvent) => boolean;
  /** Whether nothing comes behind this event. */
  readonly isLast?: (event: LoggedEvent) => boolean;
}

/** How a stream begins. */
export interface Beginning {
  /** Told first. */
  readonly frames: readonly Buffer[];
  /** The number of the last thing that `frames` tell of; what comes is told from there on. */
  readonly from: number;
  /** Nothing comes behind them. */
  readonly ends?: 'over' | 'behind';
}

/** What is known without asking the database. */
export interface Recent {
  /** Everything up to here was handed on. */
  readonly position: number;
  /** What is behind a position, up to there; null: not all of it is remembered. */
  since(position: number, oldest: number): readonly Remembered[] | null;
}

export interface Remembered {
  readonly event: LoggedEvent | null;
  readonly frame: (telling: 'whole' | 'public', numbering: Numbering) => Buffer;
}

export interface StreamRequest extends Subscription {
  readonly principal: Principal;
  /** Names what the caller came with. */
  readonly credential: string;
  /** Reads what the stream begins with, once nothing behind that can be missed. What it throws is the answer. */
  readonly begin: (tail: Recent) => Promise<Beginning>;
  /** Who the caller is now. @throws Refusal when the rights are gone */
  readonly check: () => Promise<Principal>;
}

/** The connection that carries a body: Node's response. */
export interface Connection {
  readonly headersSent: boolean;
  readonly destroyed: boolean;
  /** @returns false when it wants no more before `drain` */
  write(bytes: Buffer): boolean;
  once(event: 'drain', then: () => void): unknown;
}

/** A stream to be read. */
export interface Opened {
  readonly body: ReadableStream<Uint8Array>;
  /** Tells the reader straight once the body has begun: through the body each piece costs a read, two promises and a turn. */
  carriedBy(connection: Connection): void;
}

export interface StreamHub {
  /** Opens a stream. @throws Refusal `rate_limited`, and whatever `begin` throws */
  open(request: StreamRequest): Promise<Opened>;
  /** Something was published for these tenants; null: perhaps for any. Settles when it was handed on. */
  ring(tenants: readonly TenantId[] | null): Promise<void>;
  /** Does what is due: called once a second. Settles when it is done. */
  tick(): Promise<void>;
  /** Ends every stream at once, and those that are opened afterwards. */
  close(): void;
  readonly size: number;
}
