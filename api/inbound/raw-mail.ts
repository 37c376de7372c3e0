/** Looks at a raw mail while it streams by: its header, its size, and a hash that names it when it names itself not. */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { addressParser, decodeWords } from 'postal-mime';
import { messageIdsIn, oneLine, parseAddress, parseHeaders, valueOf, valuesOf } from '../../domain/messaging/headers.js';

/** More header than this is none. */
const mostHeader = 256 * 1024;

/** Lines a gateway adds per delivery, with their continuations: the same mail delivered to two mailboxes differs in nothing else. */
const traceLines = /^(?:return-path|delivered-to|x-original-to|received):.*(?:\r?\n[ \t].*)*(?:\r?\n|$)/gim;

export interface MailSummary {
  readonly messageId: string | null;
  readonly sender: string | null;
  readonly subject: string | null;
  /** Product of the first mailbox it was sent to; nothing more than a hint. */
  readonly product: string | null;
  /** Hex SHA-256 of the mail without what deliveries add. */
  readonly hash: string;
}

export class RawMailReader {
  /** Bytes that came by. */
  size = 0;
  tooLarge = false;
  private head = Buffer.alloc(0);
  private inBody = false;
  private readonly body: Hash = createHash('sha256');
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
  }

  /** Passes on what comes by, up to the limit; what lies beyond is counted for as long again and then left where it is. */
  async *through(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream) {
      this.look(Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.byteLength, Math.max(0, this.most - this.size))));
      this.size += chunk.byteLength;
      this.tooLarge ||= this.size > this.most;
      if (this.size > 2 * this.most) return;
      if (!this.tooLarge) yield chunk;
    }
  }

  /** The header as it came, for mail of which nothing else is kept. */
  header(): Buffer {
    return this.head;
  }

  summary(): MailSummary {
    const text = this.head.toString('latin1');
    const headers = parseHeaders(text);
    const [messageId] = messageIdsIn(valueOf(headers, 'message-id') ?? '');
    const addressed = ['delivered-to', 'x-original-to', 'to', 'cc'].flatMap((name) => valuesOf(headers, name));
    const product = addressed
      .map((value) => /\bsupport\+([a-z0-9][a-z0-9_-]{0,62})@/i.exec(value)?.[1]?.toLowerCase())
      .find((key) => key !== undefined);
    return {
      messageId: messageId ?? null,
      sender: senderOf(valueOf(headers, 'from') ?? ''),
      subject: oneLine(decoded(valueOf(headers, 'subject') ?? ''), 300),
      product: product ?? null,
      hash: createHash('sha256').update(text.replaceAll(traceLines, ''), 'latin1').update(this.body.copy().digest()).digest('hex'),
    };
  }

  private look(chunk: Buffer): void {
    if (this.inBody) {
      this.body.update(chunk);
      return;
    }
    const seen = Buffer.concat([this.head, chunk]);
    const end = endOfHeader(seen, Math.max(0, this.head.length - 3));
    this.inBody = end !== null || seen.length > mostHeader;
    const cut = end ?? Math.min(seen.length, mostHeader);
    this.head = seen.subarray(0, cut);
    if (this.inBody) this.body.update(seen.subarray(cut));
  }
}

/** Behind the first empty line; null when there is none yet. */
function endOfHeader(bytes: Buffer, from: number): number | null {
  const ends = ['\r\n\r\n', '\n\n'].flatMap((mark) => {
    const at = bytes.indexOf(mark, from, 'latin1');
    return at < 0 ? [] : [at + mark.length];
  });
  return ends.length === 0 ? null : Math.min(...ends);
}

const decoded = (latin1: string): string => decodeWords(Buffer.from(latin1.slice(0, 4_000), 'latin1').toString('utf8'));

const senderOf = (value: string): string | null => {
  const [author] = addressParser(value.slice(0, 2_000), { flatten: true });
  return author?.address === undefined ? null : parseAddress(author.address);
};
