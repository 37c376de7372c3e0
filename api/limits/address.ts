/** Which address a request comes from, and whether that is in a network. Source: security.md, section 4, T30; section 5. */
import { BlockList, isIP } from 'node:net';
import type { Http2Bindings, HttpBindings } from '@hono/node-server';

/** Networks, each as an address or in CIDR notation. */
export interface Networks {
  has(address: string): boolean;
}

/** Whether text is an address or a network in CIDR notation. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** @throws Error naming what is no network */
export function networksOf(texts: readonly string[]): Networks {
  const list = new BlockList();
  for (const text of texts) {
    if (!isNetwork(text)) throw new Error(`${text} is neither an address nor a network such as 10.0.0.0/8`);
    const [address = '', bits] = text.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return {
    has(address) {
      const family = isIP(address);
      return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

/** IPv4 as IPv6 writes it is IPv4. */
const plain = (address: string): string => /^::ffff:(\d+[.]\d+[.]\d+[.]\d+)$/i.exec(address)?.[1] ?? address;

/** A request, and the connection it came by; under tests there may be none. */
export interface Asked {
  readonly env?: Partial<HttpBindings | Http2Bindings>;
  readonly req: { header(name: string): string | undefined };
}

/**
 * Where a request comes from: the other end of the connection, or, where that is a proxy we trust, whom it names.
 *
 * @param proxies only what these say of others counts
 * @returns null when it comes over no connection
 */
export function addressOf(c: Asked, proxies: Networks): string | null {
  const end = c.env?.incoming?.socket.remoteAddress;
  if (end === undefined) return null;
  let address = plain(end);
  // Each proxy adds whom it heard from at the end; before the first we do not trust anyone may have written anything.
  const named = (c.req.header('x-forwarded-for') ?? '').split(',').map((one) => plain(one.trim()));
  while (proxies.has(address)) {
    const before = named.pop();
    if (before === undefined || isIP(before) === 0) break;
    address = before;
  }
  return address;
}

/** Who is counted as one: an address, or the network of an IPv6 address, of which everyone has as many as they like. */
export function neighbourhood(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail = ''] = address.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === '' ? [] : tail.split(':');
  const all = address.includes('::') ? [...front, ...Array.from({ length: 8 - front.length - back.length }, () => '0'), ...back] : front;
  return `${all
    .slice(0, 4)
    .map((part) => part.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`;
}
