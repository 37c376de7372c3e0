/**
 * Rules that all workflows of a worker share: loaded once and frozen, instead of once for each workflow in memory.
 *
 * Only what keeps no state of its own belongs here; `domain/` never does.
 */
import '../domain/handoff/command.js';
import '../domain/handoff/ledger.js';
import '../domain/handoff/machine.js';
import '../domain/handoff/shape.js';
import '../domain/journey/run/effect.js';
import '../domain/journey/run/reduce.js';
import '../domain/journey/shape.js';
import '../domain/messaging/plan.js';
import '../domain/privacy/erasure.js';
import '../domain/sla/commands.js';
import '../domain/sla/ledger.js';
import '../domain/sla/preview.js';
import '../domain/ticket/shape.js';
import '../domain/ticket/ticket.js';

/**
 * The SDK takes a stack for every promise of a workflow, and looks up the source of each of its frames: with the usual ten that is a third of
 * what a workflow thread does. Two show where an error was thrown, and who asked for it.
 */
Error.stackTraceLimit = 2;
