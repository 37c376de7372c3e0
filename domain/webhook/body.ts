/** The body of a webhook: the event as the live stream tells it, with its text where the endpoint asked for it. Source: api-surfaces.md, section 2. */
import { wholeEvent } from '../event/cloud-event.js';
import type { EventOrigin, ToldEvent } from '../event/cloud-event.js';
import type { TenantId } from '../ids.js';

/** The text an event brought; null: it has none, or it was erased. */
export interface EventText {
  readonly subject: string | null;
  readonly body: string | null;
}

/** Longest body, in bytes. */
const mostBytes = 20_000;

/** @param text undefined: the endpoint did not ask for texts */
export function webhookBody(tenant: TenantId, event: ToldEvent & EventOrigin, text: EventText | null | undefined): string {
  const told = wholeEvent(tenant, event);
  if (text === undefined) return JSON.stringify(told);
  const withText = (part: EventText | null, cut: boolean): string =>
    JSON.stringify({ ...told, text: part === null ? null : { ...part, truncated: cut } });
  const whole = withText(text, false);
  if (text === null || text.body === null || sizeOf(whole) < mostBytes) return whole;
  let body = wellCut(text.body, mostBytes);
  let shortened = withText({ ...text, body }, true);
  // A character may take several bytes, and six where it has to be escaped: cut by what is too much, until it fits.
  for (let over = sizeOf(shortened) - mostBytes + 1; over > 0 && body !== ''; over = sizeOf(shortened) - mostBytes + 1) {
    body = wellCut(body, Math.max(0, body.length - Math.ceil(over / 6)));
    shortened = withText({ ...text, body }, true);
  }
  return shortened;
}

/** Cuts without halving a character. */
const wellCut = (text: string, length: number): string => text.slice(0, length).replace(/[\ud800-\udbff]$/, '');

/** Bytes of a well-formed text in UTF-8. */
function sizeOf(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    // Two halves of a character make four bytes.
    const isHalf = unit >= 0xd800 && unit <= 0xdfff;
    bytes += unit < 0x80 ? 1 : unit < 0x800 || isHalf ? 2 : 3;
  }
  return bytes;
}
