import type { Instant } from '../../domain/time.js';

const parts = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;

/**
 * Writes instants as the clocks of a zone show them: `2026-07-20 17:00:00 +02:00`. The offset tells the two hours apart that summer time ends with.
 *
 * @returns null when there is no such IANA zone
 */
export function timesIn(zone: string): ((at: Instant) => string) | null {
  const format = formatOf(zone);
  if (format === null) return null;
  return (at) => {
    const { year, month, day, hour, minute, second, timeZoneName } = Object.fromEntries(
      format.formatToParts(at).map(({ type, value }) => [type, value]),
    );
    const offset = timeZoneName === 'GMT' ? '+00:00' : timeZoneName?.replace('GMT', '');
    return `${year}-${month}-${day} ${hour}:${minute}:${second} ${offset}`;
  };
}

function formatOf(zone: string): Intl.DateTimeFormat | null {
  // Offsets are no zones: they know no summer time.
  if (!/^[A-Za-z]/.test(zone)) return null;
  try {
    return new Intl.DateTimeFormat('en-US', { ...parts, hourCycle: 'h23', timeZone: zone, timeZoneName: 'longOffset' });
  } catch {
    return null;
  }
}
