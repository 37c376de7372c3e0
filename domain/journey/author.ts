/**
 * What authors of templates import. A template is a plain object; the types around it know its steps, outcomes, stages, variables and input fields, so
 * that a name that does not exist is an error where it is written. What types cannot see, `validate` tells.
 */
import { canonical, plainJson } from './json.js';
import type { JourneyTemplate } from './template.js';

type Text<Name> = Name & string;
type ItemOf<List> = List extends readonly (infer Item)[] ? Item : never;
/** The values of one member of the items of a list, where they have it. */
type Each<List, Key extends string> =
  ItemOf<List> extends infer Item ? (Item extends { readonly [K in Key]: infer Value } ? Value : never) : never;
type Member<Whole, Key extends string> = Whole extends { readonly [K in Key]: infer Value } ? Value : never;

type StepIds<T extends JourneyTemplate> = Text<keyof T['steps']>;
type StageIds<T extends JourneyTemplate> = Text<Each<Member<T, 'stages'>, 'id'>>;
type Variables<T extends JourneyTemplate> = Text<keyof Member<T, 'context'>>;
/** Any name, where the input declares no fields. */
type Fields<T extends JourneyTemplate> = T extends { readonly input: { readonly properties: infer Properties } }
  ? Text<keyof Properties>
  : string;

/** What is named, and anything within it. */
type Within<Path extends string> = Path | `${Path}.${string}` | `${Path}[${string}`;
type Paths<T extends JourneyTemplate> =
  | Within<`input.${Fields<T>}`>
  | Within<`context.${Variables<T>}`>
  | `steps.${StepIds<T>}.${string}`
  | `${'subject' | 'event' | 'journey'}.${string}`
  | Within<'item'>
  | 'now';

/** Outcomes that the step's events give. */
type Given<S> = Each<Member<S, 'completeOn'>, 'outcome'> | Each<Member<S, 'event'>, 'outcome'>;
type Words<S> = Member<S, 'onMax'> | Member<S, 'onReturn'> | Member<S, 'onTimeout'> | Member<Member<S, 'sla'>, 'onBreach'>;

/** How a step can come out; any text where only another template knows. */
type Outcomes<S> = S extends { readonly kind: 'manual' }
  ? S extends { readonly outcomes: readonly (infer Outcome)[] }
    ? Outcome | Given<S> | Words<S>
    : string
  : S extends { readonly kind: 'approval' }
    ? 'approved' | 'rejected' | 'timeout' | Words<S>
    : S extends { readonly kind: 'handoff' }
      ? 'accepted' | 'rejected' | 'returned' | Done<S> | Given<S> | Words<S> | Member<Member<S, 'approval'>, 'onTimeout'>
      : S extends { readonly kind: 'wait' }
        ? 'elapsed' | 'met' | 'received' | 'timeout' | Given<S> | Words<S>
        : S extends { readonly kind: 'experiment' }
          ? Each<Member<S, 'variants'>, 'id'>
          : S extends { readonly kind: 'touchpoint' }
            ? 'sent' | 'held' | 'capped' | 'failed' | Words<S>
            : S extends { readonly kind: 'journey' }
              ? string
              : 'completed' | Words<S>;
type Done<S> = S extends { readonly completeAs: infer Outcome } ? Outcome : 'completed';

/** Outcomes that a word may name: those with a transition, or any where one transition takes them all. */
type Led<S> =
  ItemOf<Member<S, 'transitions'>> extends infer Transition
    ? Transition extends { readonly outcome: infer Outcome }
      ? Outcome
      : Transition extends { readonly when: unknown }
        ? never
        : string
    : never;
type Route<T extends JourneyTemplate, S> = 'incident' | StepIds<T> | `route:${StepIds<T>}` | Led<S>;

/** Says in the compiler's own message what is wrong. */
interface Mistake<Says extends string> {
  readonly mistake: Says;
}
/** Nothing more to ask of a right value; of a wrong one something it can never be. */
type Is<Value, Allowed, Says extends string> = [Value] extends [Allowed] ? unknown : Mistake<Says>;

type IsStep<T extends JourneyTemplate, Id, Also = never> = Is<Id, StepIds<T> | Also, 'no step has this id'>;
type IsVariable<T extends JourneyTemplate, Name> = Is<Name, Variables<T>, 'the context declares no such variable'>;
type IsPath<T extends JourneyTemplate, Path, Also = never> = Is<Path, Paths<T> | Also, 'no such path'>;
type IsRoute<T extends JourneyTemplate, S, Word, Also = never> = Is<
  Word,
  Route<T, S> | Also,
  'neither a step nor an outcome with a transition'
>;

type Lookups<T extends JourneyTemplate, Map> = { readonly [K in keyof Map]: IsPath<T, Map[K]> };
type Into<T extends JourneyTemplate, Map> = { readonly [K in keyof Map]: IsVariable<T, K> & IsPath<T, Map[K]> };
type IntoFields<T extends JourneyTemplate, Map> = {
  readonly [K in keyof Map]: Is<K, Fields<T>, 'the input declares no such field'> & IsPath<T, Map[K]>;
};

type PathList<T extends JourneyTemplate, List> = { readonly [I in keyof List]: List[I] & IsPath<T, List[I]> };
type StepList<T extends JourneyTemplate, List> = { readonly [I in keyof List]: List[I] & IsStep<T, List[I]> };
type VariableList<T extends JourneyTemplate, List> = { readonly [I in keyof List]: List[I] & IsVariable<T, List[I]> };
type Transitions<T extends JourneyTemplate, S, List> = {
  readonly [I in keyof List]: List[I] & {
    readonly to: IsStep<T, Member<List[I], 'to'>, '$join'>;
    readonly outcome?: Is<Member<List[I], 'outcome'>, Outcomes<S>, 'the step never has this outcome'>;
  };
};
type Catches<T extends JourneyTemplate, List> = {
  readonly [I in keyof List]: List[I] & {
    readonly to: IsStep<T, Member<List[I], 'to'>>;
    readonly as?: IsVariable<T, Member<List[I], 'as'>>;
  };
};
type Requirements<T extends JourneyTemplate, List> = {
  readonly [I in keyof List]: List[I] & { readonly path: IsPath<T, Member<List[I], 'path'>> };
};
type Completions<T extends JourneyTemplate, List> = {
  readonly [I in keyof List]: List[I] & { readonly output?: Into<T, Member<List[I], 'output'>> };
};
type Triggers<T extends JourneyTemplate, List> = {
  readonly [I in keyof List]: List[I] & {
    readonly map?: IntoFields<T, Member<List[I], 'map'>>;
    readonly dedupeKey?: IsPath<T, Member<List[I], 'dedupeKey'>, Fields<T>>;
  };
};

/** `approve` and `reject` answer a vote. */
type Votes<S> = S extends { readonly kind: 'approval' } ? 'approve' | 'reject' : never;

/** What a step may name. */
interface Rules<T extends JourneyTemplate, S> {
  readonly stage?: Is<Member<S, 'stage'>, StageIds<T>, 'no stage has this id'>;
  readonly transitions?: Transitions<T, S, Member<S, 'transitions'>>;
  readonly branches?: StepList<T, Member<S, 'branches'>>;
  readonly catch?: Catches<T, Member<S, 'catch'>>;
  readonly requires?: Requirements<T, Member<S, 'requires'>>;
  readonly evidence?: PathList<T, Member<S, 'evidence'>>;
  readonly requiredData?: VariableList<T, Member<S, 'requiredData'>>;
  readonly items?: IsPath<T, Member<S, 'items'>>;
  readonly onMax?: IsRoute<T, S, Member<S, 'onMax'>>;
  readonly onReturn?: IsRoute<T, S, Member<S, 'onReturn'>>;
  readonly onTimeout?: IsRoute<T, S, Member<S, 'onTimeout'>, Votes<S>>;
  readonly approval?: {
    readonly evidence?: PathList<T, Member<Member<S, 'approval'>, 'evidence'>>;
    readonly onTimeout?: IsRoute<T, S, Member<Member<S, 'approval'>, 'onTimeout'>, 'approve' | 'reject'>;
  };
  readonly sla?: { readonly onBreach?: IsRoute<T, S, Member<Member<S, 'sla'>, 'onBreach'>> };
  readonly input?: Lookups<T, Member<S, 'input'>>;
  readonly output?: Into<T, Member<S, 'output'>>;
  readonly completeOn?: Completions<T, Member<S, 'completeOn'>>;
  readonly event?: Completions<T, Member<S, 'event'>>;
}

/** What a template may name. */
interface Checked<T extends JourneyTemplate> {
  readonly start: IsStep<T, T['start']>;
  readonly subject: { readonly id: IsPath<T, T['subject']['id'], Fields<T>> };
  readonly entry?: { readonly key?: IsPath<T, Member<Member<T, 'entry'>, 'key'>, Fields<T>> };
  readonly triggers?: Triggers<T, Member<T, 'triggers'>>;
  readonly steps: { readonly [Id in keyof T['steps']]: Rules<T, T['steps'][Id]> };
}

/**
 * A template with its names checked as it is written.
 *
 * @returns a copy that is plain JSON, as `POST /v1/journey-templates` takes it
 */
export const defineJourney = <const T extends JourneyTemplate>(template: T & Checked<T>): JourneyTemplate =>
  // A copy of a template is a template.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  plainJson(template).value as unknown as JourneyTemplate;

/** The one spelling of a template, whose hash is its content hash. Source: journeys.md, section 7. */
export const canonicalForm = (template: JourneyTemplate): string => canonical(plainJson(template).value);
