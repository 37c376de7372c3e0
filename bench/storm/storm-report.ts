/** The figures of a storm for people. */
import { scanEveryMs } from '../engines/scanner-lateness.js';
import type { Summary } from '../histogram.js';
import { countsText, ms } from '../report.js';
import type { Row } from '../report.js';
import type { Round } from '../rounds.js';
import { ratiosOf, slowdownOf } from './goals.js';
import type { Storm } from './storm.js';

const seconds = (value: number): string => (value / 1_000).toFixed(value < 10_000 ? 2 : 1);
const inMs = ({ p50, p95, p99, max }: Summary): string => `${[p50, p95, p99, max].map(ms).join(' ')} ms`;
const inSeconds = ({ p50, p95, p99, max }: Summary): string => `${[p50, p95, p99, max].map(seconds).join(' ')} s`;
const times = (ratio: number): string => (ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(0));

const percentiles = 'p50 p95 p99 max';

/** @param marked what the scanner beside had really marked by the end of the run, and how late */
export function stormRows(storm: Storm, marked: Summary): Row[] {
  const { part, opened, pace, perSecond, lateness, drain, tally, calm, beside, counts, cpu } = storm;
  const row = (what: string, value: string): Row => [`${part.name}: ${what}`, value];
  const when = part.spreadS === 0 ? 'at one instant' : `over ${part.spreadS} s, ${perSecond.join(' to ')} a second`;
  return [
    row('deadlines', `${part.tickets} ${when}; dealt at random`),
    row('opened; deadlines set by override-target', `${opened.toFixed(1)}/s; ${pace.toFixed(1)}/s`),
    row(`workflow noticed, late by ${percentiles}`, inMs(lateness.fired)),
    row(`breach recorded, late by ${percentiles}`, inMs(lateness.recorded)),
    row(`notice sent, late by ${percentiles}`, inMs(lateness.sent)),
    row('after the last deadline: last record, last notice', `${seconds(drain.recordedMs)} s, ${seconds(drain.sentMs)} s`),
    ...scannerRows(storm, marked, row),
    row(`creates before, ${percentiles}`, createText(calm)),
    row(`creates during, ${percentiles}`, createText(beside)),
    row('create p95, during by before (≤ 3)', times(slowdownOf(storm))),
    row(
      'breach events, rungs, notices sent, mails caught',
      `${tally.breaches}, ${tally.rungs}, ${tally.notices}, ${tally.mails} of ${tally.tickets}: ${tally.lost} lost, ${tally.doubled} doubled, ${tally.misplaced} misplaced`,
    ),
    row('transitions, events, tasks, upserts of a ticket so far', countsText(counts)),
    row('tasks on the cached workflow', `${(counts.cached * 100).toFixed(1)} %`),
    row('processor per ticket, first deadline to last notice, creates included', cpuText(cpu, part.tickets)),
  ];
}

function scannerRows({ scanned, lateness }: Storm, marked: Summary, row: (what: string, value: string) => Row): Row[] {
  const { anyPhase, thisPhase, p99Between, timed } = scanned;
  const both = (p99: number): string => Object.values(ratiosOf(p99, lateness)).map(times).join('; ');
  const every = `scanner each ${scanEveryMs / 1_000} s`;
  return [
    row(`${every}, begun at any moment, late by ${percentiles}`, inSeconds(anyPhase)),
    row(`${every}, begun when this one was, late by ${percentiles}`, inSeconds(thisPhase)),
    row(`${every}: p99 of the luckiest and the unluckiest`, p99Between.map((p99) => `${seconds(p99)} s`).join(', ')),
    row(
      `${every}: its look at all of them; really marked within the run`,
      `${timed.ms} ms for ${timed.marked}; ${marked.count === 0 ? 'none' : `${marked.count}, ${inSeconds(marked)}`}`,
    ),
    row('scanner’s p99 by ours, begun at any moment: record; notice', both(anyPhase.p99)),
    row('scanner’s p99 by ours, begun when this one was: record; notice', both(thisPhase.p99)),
    row('scanner’s p99 by ours, the luckiest of all: record; notice', both(p99Between[0])),
  ];
}

const cpuText = (cpu: Storm['cpu'], tickets: number): string =>
  `${Object.entries(cpu)
    .map(([name, used]) => `${name} ${((used * 1_000) / tickets).toFixed(1)}`)
    .join(', ')} ms`;

function createText({ calls, rate, late }: Round): string {
  const { create } = calls;
  if (create === undefined) return 'none';
  return `${inMs(create)} (${create.count} at ${rate ?? 0}/s; generator late by ${ms(late.p99)} ms at p99)`;
}
