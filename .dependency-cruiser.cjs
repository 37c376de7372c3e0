// Who may import whom; the reasons stand in CONTRIBUTING.md. Every rule has a planted bad file in test/repo/boundaries.test.ts.

const ours = '^(domain|workflows|activities|db|api|worker|journeys|cli|local|test|bench|docs|deploy|clients)/|^(config|logger|reach)[.]ts$';
const root = '^(config|logger|reach)[.]ts$';
/** The files of domain/ that carry a package. Light files and workflows take only types from them. */
const heavy = '^domain/(.+/schema|sla/calendar|journey/(guard|zone)|messaging/(html|template)|net/address)[.]ts$';
const heavyPackages = 'node_modules/(zod|temporal-polyfill|@marcbachmann/cel-js|(@types/)?sanitize-html|liquidjs|ipaddr[.]js)/';
/** What a client needs to start a workflow and to talk to it. */
const messages = '^workflows/(names|.+/(messages|start|schedule-start))[.]ts$';
/** Where settings are read; everyone else is handed values. */
const starters = '(^|/)main[.]ts$|^db/(migrate|seed)[.]ts$|^(local|test|bench)/';

const asValue = { dependencyTypesNot: ['type-only'] };
const rule = (name, from, to) => ({ name, severity: 'error', from, to });
const reach = (folder, ...may) => rule(`${folder}-reach`, { path: `^${folder}/` }, { path: ours, pathNot: [`^${folder}/`, ...may] });

module.exports = {
  forbidden: [
    rule('no-cycles', {}, { circular: true }),
    rule('resolvable', { path: ours }, { couldNotResolve: true }),
    rule('root-alone', { path: root }, { path: ours, pathNot: root }),
    rule('tests-are-leaves', { pathNot: '^(test|bench)/' }, { path: '^(test|bench)/' }),

    rule('domain-alone', { path: '^domain/', pathNot: heavy }, { pathNot: '^domain/' }),
    rule('domain-packages', { path: heavy }, { pathNot: `^domain/|${heavyPackages}` }),
    rule('heavy-as-types', { path: '^(domain|workflows)/', pathNot: heavy }, { path: heavy, ...asValue }),

    rule('sandbox-no-node', { path: '^workflows/' }, { dependencyTypes: ['core'] }),
    rule('sandbox-packages', { path: '^workflows/' }, { path: 'node_modules/', pathNot: '@temporalio/(workflow|common)/' }),
    rule('contract-as-types', { path: '^workflows/' }, { path: '^activities/', ...asValue }),

    reach('workflows', '^domain/', '^activities/contract[.]ts$'),
    reach('activities', '^(db|domain)/', '^reach[.]ts$'),
    reach('db', '^domain/', root),
    reach('api', '^(db|domain)/', messages, '[.]workflow[.]ts$', root),
    reach('worker', '^(activities|db|domain)/', '^journeys/index[.]ts$', messages, root),
    reach('cli', '^(db|domain)/', root),
    rule('journeys-alone', { path: '^journeys/' }, { pathNot: '^(journeys|domain/journey)/' }),

    rule('workflows-as-types', { path: '^api/' }, { path: '[.]workflow[.]ts$', ...asValue }),
    rule('routes-are-thin', { path: '^api/.*routes[.]ts$' }, { path: '^(db|workflows)/|@temporalio/' }),
    rule('ports-not-adapters', { path: '^activities/(?!adapters/)' }, { path: '^activities/adapters/' }),
    rule('sql-in-db', { path: ours, pathNot: '^(db|local|test|bench)/' }, { path: 'node_modules/(kysely|pg)/' }),
    rule('client-outside', { path: '^db/|^activities/(?!adapters/)' }, { path: '@temporalio/client/' }),
    rule('config-at-the-start', { path: ours, pathNot: starters }, { path: '^config[.]ts$', ...asValue }),
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    // Without its exports map many a package stays unresolved, and a rule on its path never fires.
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'], // x.js is x.ts, also beside an x.mjs
    },
    doNotFollow: { path: ['node_modules', '^dist/', '^coverage/', '^[.]usher/', '^bench/results/'] },
  },
};
