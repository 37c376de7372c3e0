/**
 * Restricted CEL. An expression is read by the engine, checked against what guards may use, and written anew with a variable for every path, literal
 * and presence test: so the engine never walks our data, a missing field is known by its path, and whole numbers are doubles as in JSON.
 * Source: journeys.md, section 5.
 */
import { Environment, EvaluationError } from '@marcbachmann/cel-js';
import type { ASTNode, ParseError } from '@marcbachmann/cel-js';
import { toDate } from '../time.js';
import { closest } from './closest.js';
import { guardLimits } from './expression.js';
import type {
  ExpressionProblem,
  ExpressionReport,
  Fault,
  FaultReason,
  GuardData,
  GuardEngine,
  GuardTrace,
  Reading,
  TracedRead,
  TypeLookup,
  Value,
  Wanted,
} from './expression.js';
import { globLimits, matchesGlob } from './glob.js';
import { Erased, Stop, scopeOf, toJson } from './guard-data.js';
import type { Names } from './guard-data.js';
import { engineType, instantOf, literalType, timeOf, typeInWords } from './guard-words.js';
import type { Literal } from './guard-words.js';
import { own } from './json.js';
import { itemRoot, pathOf, roots } from './path.js';
import type { Segment, Segments } from './path.js';

const macros: readonly string[] = ['exists', 'all', 'exists_one', 'filter', 'map'];
/** Guards' functions → what they are called here, with text or list first. */
const functions: Readonly<Record<string, string>> = {
  size: 'count',
  startsWith: 'starts',
  endsWith: 'ends',
  contains: 'within',
  glob: 'globs',
  timestamp: 'instant',
  duration: 'duration',
};
const available = ['has', ...Object.keys(functions), ...macros].join(', ');

/** Written for the engine: every name in `text` is a variable of this kind, or the item of a macro. */
interface Written extends Names {
  readonly text: string;
  /** Paths within the items of a list, to be known; the item itself stands as position 0. */
  readonly items: readonly Segments[];
  readonly isPlain: boolean;
  readonly problems: readonly ExpressionProblem[];
}

/** The engine behind the interface. */
export function createGuards(): GuardEngine {
  const language = new Environment({ unlistedVariablesAreDyn: true });
  const typed = withFunctions(new Environment());
  const untyped = withFunctions(new Environment({ unlistedVariablesAreDyn: true }));
  const writtenOf = remembering((source) => write(language, source));
  const programOf = remembering((text) => untyped.parse(text));
  const run = (source: string, data: GuardData, trace: TracedRead[]): Run => runOf(writtenOf(source), programOf, data, trace);

  return {
    check(source, typeAt, wanted) {
      const written = writtenOf(source);
      const reads: Reading[] = [
        ...unique(written.reads).map((path) => ({ path, tested: false })),
        ...unique(written.tests).map((path) => ({ path, tested: true })),
      ];
      const paths = unique([...reads.map(({ path }) => path), ...written.items]);
      const problems = [...written.problems, ...paths.flatMap((path) => unknownAt(path, typeAt))];
      if (problems.length === 0) problems.push(...typeProblems(typed.clone(), source, written, typeAt, wanted));
      return { problems, reads, literals: written.literals, isPlain: written.isPlain } satisfies ExpressionReport;
    },
    evaluate(source, data) {
      const trace: TracedRead[] = [];
      const { result, wasErased } = run(source, data, trace);
      if (wasErased) return { expression: source, verdict: 'erased', reads: trace, fault: null };
      const verdict = result.ok && typeof result.value === 'boolean' ? (result.value ? 'true' : 'false') : 'error';
      const fault: Fault | null = verdict === 'error' ? (result.ok ? { reason: 'type', path: null } : result.fault) : null;
      return { expression: source, verdict, reads: trace, fault } satisfies GuardTrace;
    },
    value: (source, data) => run(source, data, []).result,
  };
}

type Program = ReturnType<Environment['parse']>;

/** As many texts as several templates have. */
const mostRemembered = 1_000;

/** Keeps what was made of the texts that came last: the same few guards are evaluated over and over. */
function remembering<Made>(make: (text: string) => Made): (text: string) => Made {
  const kept = new Map<string, Made>();
  return (text) => {
    const made = kept.get(text) ?? make(text);
    if (kept.size >= mostRemembered) kept.clear();
    if (text.length <= guardLimits.characters) kept.set(text, made);
    return made;
  };
}

const unique = (paths: readonly Segments[]): readonly Segments[] => Array.from(new Map(paths.map((path) => [pathOf(path), path])).values());

/** The functions the written text calls. */
const withFunctions = (environment: Environment): Environment =>
  environment
    .registerFunction('count(string): double', (text: string) => Array.from(text).length)
    .registerFunction('count(list): double', (list: readonly unknown[]) => list.length)
    .registerFunction('count(map): double', (map: ReadonlyMap<unknown, unknown>) => map.size)
    .registerFunction('starts(string, string): bool', (text: string, part: string) => text.startsWith(part))
    .registerFunction('ends(string, string): bool', (text: string, part: string) => text.endsWith(part))
    .registerFunction('within(string, string): bool', (text: string, part: string) => text.includes(part))
    .registerFunction('within(list, dyn): bool', (list: readonly unknown[], item: unknown) => list.includes(item))
    .registerFunction('globs(string, string): bool', (text: string, pattern: string) => {
      if (text.length > globLimits.text || pattern.length > globLimits.pattern) throw new Stop('limit');
      return matchesGlob(text, pattern);
    })
    .registerFunction('instant(string): google.protobuf.Timestamp', (text: string) => {
      const at = instantOf(text);
      if (at === null) throw new Stop('type');
      return toDate(at);
    })
    .registerOperator('double % double', (left: number, right: number) => left % right);

/** Reads an expression and writes it anew, or tells everything in it that guards may not use. */
function write(language: Environment, source: string): Written {
  const writer = new Writer();
  if (source.length > guardLimits.characters) {
    return writer.close('null', [
      problem('J025', `the expression has ${source.length} characters; the limit is ${guardLimits.characters}`),
    ]);
  }
  try {
    return writer.close(writer.node(language.parse(source).ast, 1));
  } catch (thrown) {
    return writer.close('null', [syntaxProblem(source, parseError(thrown))]);
  }
}

/** The parser throws nothing else. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const parseError = (thrown: unknown): ParseError => thrown as ParseError;

const problem = (code: ExpressionProblem['code'], message: string): ExpressionProblem => ({ code, message });

function syntaxProblem(source: string, error: ParseError): ExpressionProblem {
  if (error.code === 'limit_exceeded') return problem('J025', `\`${source}\` is nested too deeply`);
  const at = Number(error.range?.start);
  const what = at >= source.trimEnd().length ? 'ends unexpectedly' : error.summary.toLowerCase();
  return problem('J022', `\`${source}\`: ${what} at column ${at + 1}`);
}

/** What a parse can yield: optional access is not switched on. */
type Node = Exclude<ASTNode, { readonly op: '.?' | '[?]' }>;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const nodeOf = (ast: ASTNode): Node => ast as Node;

class Writer {
  readonly #reads: Segments[] = [];
  readonly #tests: Segments[] = [];
  readonly #items: Segments[] = [];
  readonly #literals: Literal[] = [];
  readonly #problems: ExpressionProblem[] = [];
  #nodes = 0;
  #macros = 0;
  #isDeep = false;
  #isPlain = true;
  /** The name a macro gives to the item at hand, and where the items lie, if that is a path. */
  #item: { readonly name: string | null; readonly list: Segments | null } = { name: null, list: null };

  /** The text of a whole expression, with all that was found in it. */
  close(text: string, more: readonly ExpressionProblem[] = []): Written {
    if (this.#nodes > guardLimits.nodes) this.#refuse('J025', `the expression has ${this.#nodes} nodes; the limit is ${guardLimits.nodes}`);
    if (this.#isDeep) this.#refuse('J025', `the expression is nested more than ${guardLimits.depth} levels deep`);
    return {
      text,
      reads: this.#reads,
      tests: this.#tests,
      items: this.#items,
      literals: this.#literals,
      isPlain: this.#isPlain,
      problems: [...this.#problems, ...more],
    };
  }

  /** Chains of one logical operator, and of members, are one level however long they are. */
  node(ast: ASTNode, level: number): string {
    this.#nodes += 1;
    this.#isDeep ||= level > guardLimits.depth;
    const node = nodeOf(ast);
    switch (node.op) {
      case 'value':
        return this.#literal(node.args);
      case 'id':
        return node.args === this.#item.name ? 'it' : this.#read([node.args]);
      case '.':
      case '[]':
        return this.#member(node.args, pathTo(node), level);
      case 'call':
        return this.#call(node.args[0], node.args[1], level);
      case 'rcall': {
        const [name, receiver, args] = node.args;
        return macros.includes(name) ? this.#macro(name, receiver, args, level) : this.#call(name, [receiver, ...args], level);
      }
      case 'list':
        return `[${node.args.map((item) => this.node(item, level + 1)).join(', ')}]`;
      case 'map':
        return this.#refuse('J025', 'maps are not available; guards have lists');
      case '?:': {
        const [condition, then, otherwise] = node.args.map((arm) => this.node(arm, level + 1));
        return `(${condition} ? ${then} : ${otherwise})`;
      }
      case '!_':
      case '-_':
        return `${node.op.charAt(0)}(${this.node(node.args, level + 1)})`;
      default: {
        const [left, right] = node.args;
        const isLogical = node.op === '&&' || node.op === '||';
        const isChain = isLogical && left.op === node.op;
        this.#isPlain &&= isLogical || (comparisons.includes(node.op) && (isFixed(left) || isFixed(right)));
        return `(${this.node(left, isChain ? level : level + 1)} ${node.op} ${this.node(right, level + 1)})`;
      }
    }
  }

  #refuse(code: ExpressionProblem['code'], message: string): string {
    if (!this.#problems.some((one) => one.message === message)) this.#problems.push(problem(code, message));
    return 'null';
  }

  #literal(value: unknown): string {
    const plain = typeof value === 'bigint' ? Number(value) : value;
    if (plain === null || typeof plain === 'string' || typeof plain === 'number' || typeof plain === 'boolean') {
      return `c${this.#literals.push(plain) - 1}`;
    }
    return this.#refuse('J025', 'bytes and unsigned numbers are not available');
  }

  #read(path: Segments): string {
    return isRooted(path) ? `r${this.#reads.push(path) - 1}` : this.#refuse('J023', unrooted(path));
  }

  #member([left, last]: readonly [ASTNode, ASTNode | string], path: Segments | null, level: number): string {
    if (path !== null && path[0] !== this.#item.name) {
      this.#nodes += path.length - 1;
      return this.#read(path);
    }
    if (path !== null && this.#item.list !== null && isRooted(this.#item.list)) this.#items.push([...this.#item.list, 0, ...path.slice(1)]);
    this.#isPlain = false;
    const object = this.node(left, level);
    if (typeof last === 'string') return `${object}.${last}`;
    const fixed = fixedIndex(last);
    return `${object}[${typeof fixed === 'number' ? fixed : this.node(last, level + 1)}]`;
  }

  #call(name: string, args: readonly ASTNode[], level: number): string {
    if (name === 'has') return this.#test(args[0], level);
    const known = own(functions, name);
    if (known === undefined) {
      return this.#refuse(
        'J025',
        `\`${name}\` is not available; ${name === 'matches' ? 'use `contains` or `glob`' : `guards have ${available}`}`,
      );
    }
    this.#isPlain = false;
    const [first] = args;
    const fixed = first?.op === 'value' && typeof first.args === 'string' ? first.args : null;
    const time = fixed === null ? null : timeOf(name, fixed);
    if (time === null) return `${known}(${args.map((arg) => this.node(arg, level + 1)).join(', ')})`;
    return time.ok ? `${known}(${this.#literal(time.text)})` : this.#refuse('J023', `${JSON.stringify(fixed)} is not ${time.wants}`);
  }

  #test(argument: ASTNode | undefined, level: number): string {
    const path = argument === undefined ? null : pathTo(argument);
    if (path === null || path[0] === this.#item.name) {
      if (argument?.op === '.') return `has(${this.node(argument, level)})`;
    } else if (path.length > 1) {
      this.#nodes += path.length;
      return isRooted(path) ? `t${this.#tests.push(path) - 1}` : this.#refuse('J023', unrooted(path));
    }
    return this.#refuse('J022', '`has` takes a path such as context.score');
  }

  #macro(name: string, list: ASTNode, [item, ...rest]: readonly ASTNode[], level: number): string {
    this.#isPlain = false;
    this.#macros += 1;
    if (this.#macros > 1) return this.#refuse('J025', `a guard may use one of ${macros.join(', ')}, once`);
    if (item?.op !== 'id' || rest.length === 0 || rest.length > (name === 'map' ? 2 : 1)) {
      return this.#refuse('J022', `\`${name}\` takes a name for the item and an expression, as in list.${name}(x, x > 5)`);
    }
    const object = this.node(list, level + 1);
    const before = this.#item;
    this.#item = { name: item.args, list: pathTo(list) };
    const inner = rest.map((arg) => this.node(arg, level + 1));
    this.#item = before;
    return `${object}.${name}(${['it', ...inner].join(', ')})`;
  }
}

/** The whole path from a name, or null where it begins with something else or an index is not written out. */
function pathTo(ast: ASTNode): Segments | null {
  const node = nodeOf(ast);
  if (node.op === 'id') return [node.args];
  if (node.op !== '.' && node.op !== '[]') return null;
  const [left, last] = node.args;
  const before = pathTo(left);
  const segment = typeof last === 'string' ? last : fixedIndex(last);
  return before === null || segment === null ? null : [...before, segment];
}

const comparisons: readonly string[] = ['==', '!=', '<', '<=', '>', '>=', 'in'];

/** A literal, or a list of them. */
const isFixed = (ast: ASTNode): boolean => {
  const node = nodeOf(ast);
  if (node.op === 'list') return node.args.every(isFixed);
  return node.op === 'value' || (node.op === '-_' && node.args.op === 'value');
};

/** The position or member name between brackets, where it is written out. */
function fixedIndex(ast: ASTNode): Segment | null {
  if (ast.op !== 'value') return null;
  if (typeof ast.args === 'string') return ast.args;
  return typeof ast.args === 'bigint' ? Number(ast.args) : null;
}

const isRooted = ([root]: Segments): boolean => root === itemRoot || (typeof root === 'string' && roots.includes(root));

const unrooted = (path: Segments): string => {
  const meant = closest(String(path[0]), roots);
  return `\`${pathOf(path)}\` is not known; ${meant === null ? `paths begin with ${roots.join(', ')}` : `closest is \`${meant}\``}`;
};

function unknownAt(path: Segments, typeAt: TypeLookup): ExpressionProblem[] {
  const lengths = path.map((_, index) => index + 1);
  for (const length of lengths) {
    const place = typeAt(path.slice(0, length));
    if (place.kind === 'unknown') {
      const before = path.slice(0, length - 1);
      const meant = closest(String(path[length - 1]), place.known);
      const advice = meant === null ? '' : `; closest is \`${pathOf([...before, meant])}\``;
      return [problem('J023', `\`${pathOf(path)}\` is not declared${advice}`)];
    }
  }
  return [];
}

/** What the engine says of the types, with every variable declared; the environment is used up. */
function typeProblems(environment: Environment, source: string, written: Written, typeAt: TypeLookup, wanted: Wanted): ExpressionProblem[] {
  for (const [index, path] of written.reads.entries()) environment.registerVariable(`r${index}`, engineType(typeAt(path)));
  for (const index of written.tests.keys()) environment.registerVariable(`t${index}`, 'bool');
  for (const [index, literal] of written.literals.entries()) environment.registerVariable(`c${index}`, literalType(literal));
  const { type = 'dyn', error } = environment.check(written.text);
  if (error !== undefined) return [problem('J023', `\`${source}\`: ${error.summary.replaceAll('double', 'number')}`)];
  const isDynamic = type === 'dyn';
  if (wanted === 'verdict' && !isDynamic && type !== 'bool') return [problem('J024', `\`${source}\` yields ${typeInWords(type)}`)];
  const people = ['string', 'list', 'list<string>', 'list<T>'];
  if (wanted === 'people' && !isDynamic && !people.includes(type)) {
    return [problem('J024', `\`${source}\` yields ${typeInWords(type)}; a list of people is needed`)];
  }
  return [];
}

interface Run {
  readonly result: Value;
  readonly wasErased: boolean;
}

const failed = (reason: FaultReason, path: string | null = null): Run => ({
  result: { ok: false, fault: { reason, path } },
  wasErased: false,
});

/** Evaluates an expression over data; what it reads is added to the trace. */
function runOf(written: Written, programOf: (text: string) => Program, data: GuardData, trace: TracedRead[]): Run {
  if (written.problems.length > 0) return failed('invalid');
  try {
    const value: unknown = programOf(written.text)(scopeOf(written, data, trace));
    return { result: { ok: true, value: toJson(value) }, wasErased: false };
  } catch (thrown) {
    if (thrown instanceof Erased) return { result: { ok: true, value: null }, wasErased: true };
    if (thrown instanceof Stop) return failed(thrown.reason, thrown.path ?? pathWithin(written, thrown));
    return failed(thrown instanceof EvaluationError && thrown.code === 'no_such_key' ? 'missing' : 'type', pathWithin(written, thrown));
  }
}

/** The first path in the part of the expression that an error names, else in the whole. */
function pathWithin(written: Written, thrown: unknown): string | null {
  const range = thrown instanceof EvaluationError ? thrown.range : undefined;
  const index = firstRead(written.text.slice(range?.start, range?.end)) ?? firstRead(written.text);
  const path = written.reads[Number(index)];
  return path === undefined ? null : pathOf(path);
}

const firstRead = (text: string): string | undefined => /\br(\d+)\b/.exec(text)?.[1];
