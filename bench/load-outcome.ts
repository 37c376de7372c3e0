import type { Findings } from './findings.js';
import type { Outcome } from './outcome.js';
import { rowsOf } from './report.js';
import { withoutTickets } from './rounds.js';
import type { Surroundings } from './surroundings.js';
import { verdictsOf } from './verdicts.js';

/** What a run of w1 or w3 comes to. */
export function outcomeOf(findings: Findings, surroundings: Surroundings): Outcome {
  const verdicts = verdictsOf(findings);
  const broken = [...findings.rounds, ...findings.comparison.rounds].filter((round) => round.faults.length > 0);
  const { kept, unmeasured } = findings;
  const problems = [
    ...broken.map(({ name, faults }) => `does not count: ${name}: ${faults.join('; ')}`),
    ...(kept.lost > 0 ? [`LOST: ${kept.lost} of ${kept.answered}`] : []),
    ...unmeasured.map((what) => `not measured: ${what}`),
  ];
  const ok = problems.length === 0 && verdicts.every((verdict) => verdict.ok);
  return { findings: bare(findings), rows: rowsOf(findings, surroundings), notes: [], verdicts, problems, ok };
}

const bare = (findings: Findings) => ({
  ...findings,
  rounds: findings.rounds.map(withoutTickets),
  comparison: { ...findings.comparison, rounds: findings.comparison.rounds.map(withoutTickets) },
});
