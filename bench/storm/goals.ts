/** What a storm has to reach on two cores. Source: performance.md, section 5, G8 and G9. */
import type { Verdict } from '../verdicts.js';
import type { PartName } from './parts.js';
import type { Storm } from './storm.js';
import type { Lateness } from './tally.js';

/** Creates during the storm by creates before it, at p95. */
const mostSlowdown = 3;
/** At a thousand a minute. */
const mostLateMs = 3_000;
/** From the last deadline to the last record, when all are one instant. */
const mostDrainMs = 20_000;
/** A scanner's lateness by ours, at p99. */
const leastRatio: Readonly<Partial<Record<PartName, number>>> = { 'spread-1000': 100, 'spread-5000': 20 };

/** How often our p99 goes into a scanner's. */
export const ratiosOf = (p99: number, { recorded, sent }: Lateness): { recorded: number; sent: number } => ({
  recorded: p99 / recorded.p99,
  sent: p99 / sent.p99,
});

export const slowdownOf = ({ calm, beside }: Pick<Storm, 'calm' | 'beside'>): number =>
  (beside.calls['create']?.p95 ?? Number.NaN) / (calm.calls['create']?.p95 ?? Number.NaN);

export function goalsOf(storm: Storm): Verdict[] {
  const { part, lateness, drain } = storm;
  const { recorded, sent } = ratiosOf(storm.scanned.anyPhase.p99, lateness);
  const ratio = leastRatio[part.name];
  const most = (what: string, counted: number, limit: number): Verdict => ({
    what: `${part.name}: ${what}`,
    counted: rounded(counted),
    limit,
    ok: counted <= limit,
  });
  const least = (what: string, counted: number, limit: number): Verdict => ({
    what: `${part.name}: ${what}`,
    counted: rounded(counted),
    limit,
    atLeast: true,
    ok: counted >= limit,
  });
  return [
    ...(part.name === 'spread-1000'
      ? [
          most('ms late at p99, breach recorded', lateness.recorded.p99, mostLateMs),
          most('ms late at p99, notice sent', lateness.sent.p99, mostLateMs),
        ]
      : []),
    ...(ratio === undefined
      ? []
      : [
          least('a scanner’s p99 by that of the breach record', recorded, ratio),
          least('a scanner’s p99 by that of the notice', sent, ratio),
        ]),
    ...(part.spreadS === 0
      ? [
          most('ms until all breaches were recorded', drain.recordedMs, mostDrainMs),
          most('ms until all notices were sent', drain.sentMs, mostDrainMs),
        ]
      : []),
    most('create p95 during by before', slowdownOf(storm), mostSlowdown),
  ];
}

const rounded = (value: number): number => (value < 100 ? Math.round(value * 100) / 100 : Math.round(value));
