/** The commands that docs/operators.md shows for the Web UI have the shape their workflow asks for. */
import { describe, expect, test } from 'vitest';
import type { ShapeError } from '../../domain/fields.js';
import { handoffVerbs } from '../../domain/handoff/command.js';
import { handoffShapeErrors } from '../../domain/handoff/shape.js';
import { journeyShapeErrors, journeyVerbs } from '../../domain/journey/shape.js';
import { verbs } from '../../domain/ticket/command.js';
import { shapeErrors } from '../../domain/ticket/shape.js';
import { read } from '../support/repo.js';
import { tablesUnder } from '../support/tables.js';

const page = read('docs/operators.md');
const id = '018f3b1e-0000-7000-8000-000000000001';

/** What a workflow takes by hand, and the table that shows it. */
interface Shown<Verb extends string> {
  readonly heading: string;
  readonly index: number;
  readonly verbs: readonly Verb[];
  readonly errors: (verb: Verb, value: unknown) => readonly ShapeError[];
}

function holds<Verb extends string>(what: string, { heading, index, verbs: known, errors }: Shown<Verb>): void {
  describe(`to a ${what}`, () => {
    const { head, rows } = tablesUnder(page, heading)[index] ?? { head: [], rows: [] };
    const shown = rows.map(([name = '', data = '']) => ({ name: name.slice(1, -1), data: data.slice(1, -1) }));

    test('every verb an operator may send is shown', () => {
      expect(head).toEqual(['name', 'data']);
      expect(shown.map(({ name }) => name).toSorted()).toEqual(known.toSorted());
    });

    test.each(shown)('$name takes its example', ({ name, data }) => {
      const verb = known.find((one) => one === name);
      if (verb === undefined) throw new Error(`${name} is no verb`);
      expect(errors(verb, JSON.parse(data.replaceAll(/<[^>]*>/g, id)))).toEqual([]);
    });
  });
}

/** The API's alone. */
const withheld: readonly string[] = ['open', 'remove', 'restore'];
const ofTickets = verbs.filter((verb) => !withheld.includes(verb));

holds('ticket', { heading: '## Sending a command', index: 0, verbs: ofTickets, errors: shapeErrors });
const heading = '### Commands to journeys and handoffs';
holds('journey', { heading, index: 0, verbs: journeyVerbs, errors: journeyShapeErrors });
holds('handoff', { heading, index: 1, verbs: handoffVerbs, errors: handoffShapeErrors });
