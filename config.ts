/**
 * Every environment variable Usher reads, with its default and its meaning; nothing else touches `process.env`.
 * `.env.example` lists the same variables, and a test compares the two.
 */
import { z } from 'zod';

const port = (standard: number) => z.coerce.number().int().min(1).max(65535).default(standard);
const flag = z.stringbool().default(false);

/** Ways are added to it as they are: without a slash at its end. */
const base = (url: z.ZodType<string, string>) => url.transform((given) => given.replace(/\/$/, ''));

/** Without it nobody is there, and what journeys ask of it fails. */
const packageUrl = z.url({ protocol: /^https?$/ }).optional();

const text = (standard: string) => z.string().min(1).default(standard);

/** The schema; each field's description is the line in `.env.example`. */
export const ConfigSchema = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development').describe('production refuses unsafe settings at start'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('least severe log line that is written'),
  LOG_PRETTY: flag.describe('human-readable log lines instead of JSON'),

  DATABASE_URL: text('postgres://usher_login:usher@127.0.0.1:15432/usher').describe(
    'PostgreSQL for api and worker; its login takes the role usher_app',
  ),
  DATABASE_OWNER_URL: z.string().min(1).optional().describe('PostgreSQL for migrations (default: DATABASE_URL)'),
  DATABASE_RELAY_URL: z.string().min(1).optional().describe('PostgreSQL for relays and sweeps (default: DATABASE_URL)'),
  DATABASE_POOL: z.coerce.number().int().min(1).max(200).default(10).describe('connections per process'),

  TEMPORAL_ADDRESS: text('127.0.0.1:7233').describe('Temporal frontend; for npm start: use this server instead of an embedded one'),
  TEMPORAL_NAMESPACE: text('usher').describe('Temporal namespace'),
  TEMPORAL_API_KEY: z.string().min(1).optional().describe('API key for Temporal Cloud'),
  TEMPORAL_TLS: flag.describe('connect to Temporal with TLS (always on with an API key)'),
  TEMPORAL_UI_URL: base(z.string().min(1)).default('http://127.0.0.1:8233').describe('Temporal Web UI, for links'),
  TASK_QUEUE_SUFFIX: z
    .string()
    .regex(/^[a-z0-9-]*$/)
    .default('')
    .describe('appended to the task queue names, so that several stacks share one server'),

  API_HOST: text('127.0.0.1').describe('address the API binds to'),
  API_PORT: port(3000).describe('port of the API'),
  ADMIN_HOST: text('127.0.0.1').describe('address the admin listeners bind to'),
  ADMIN_PORT: port(3001).describe('port of the API process for /livez, /readyz and /metrics'),
  WORKER_ADMIN_PORT: port(3002).describe('the same of the worker process'),
  WORKER_ADMIN_URL: z.url().optional().describe('where the API asks for the worker’s readiness, so that one /readyz answers for both'),
  PUBLIC_URL: base(z.url()).default('http://127.0.0.1:3000').describe('address of the API as its callers see it'),

  REQUEST_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(1_000)
    .max(60_000)
    .default(5_000)
    .describe('milliseconds after which the API says that it cannot answer; a statement of its own may take as long'),
  API_REPLICAS: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .default(1)
    .describe('processes that serve the API; with several they add up in PostgreSQL what they count of requests'),
  TRUSTED_PROXIES: z
    .string()
    .regex(/^(?:[0-9a-f.:]+(?:\/\d{1,3})?(?:\s*,\s*|$))*$/i, 'must be addresses or networks such as 10.0.0.0/8, separated by commas')
    .default('')
    .describe('addresses or networks of proxies whose X-Forwarded-For counts, comma separated; without any only the connection does'),

  SMTP_URL: text('smtp://127.0.0.1:1025').describe('mail relay for outbound mail'),
  MAIL_DOMAIN: text('usher.localhost').describe('domain of support+<product>@ and reply+<token>@, and of our Message-IDs'),
  TWILIO_ACCOUNT_SID: z
    .string()
    .regex(/^AC[0-9a-f]{32}$/, 'must be AC and 32 hex digits')
    .optional()
    .describe('account at Twilio for SMS; without it staff get mail instead'),
  TWILIO_AUTH_TOKEN: z.string().min(1).optional().describe('its token'),
  TWILIO_FROM: z
    .string()
    .regex(
      /^(\+[1-9]\d{6,14}|[A-Za-z0-9 ]{1,11})$/,
      'must be a number such as +15005550006, or a sender name of up to 11 letters and digits',
    )
    .optional()
    .describe('number or name SMS are sent from'),
  TWILIO_API_URL: z.url().default('https://api.twilio.com').describe('where Twilio’s API is: one of its regions, or a stand-in'),
  PACKAGES_CRM_URL: packageUrl.describe('where the CRM is, for journeys; may hold user:password@'),
  PACKAGES_BILLING_URL: packageUrl.describe('where the billing system is, for journeys; may hold user:password@'),
  PACKAGES_FIELD_OPS_URL: packageUrl.describe('where field operations is, for journeys; may hold user:password@'),
  PACKAGES_BUSINESS_LOGIC_URL: packageUrl.describe('where the business logic is, for journeys; may hold user:password@'),
  PACKAGES_SUPPORT_URL: packageUrl.describe('where the support system is, for journeys; may hold user:password@'),
  OUTBOUND_RATE: z.coerce.number().positive().default(50).describe('deliveries started per second over all workers'),
  FILES_DIR: text('.usher/files').describe('folder for attachments and raw mail'),

  SECRET_KEYS: text('k1:usher-development-secret-do-not-use-in-production').describe(
    'signing keys as id:secret, comma separated, the first signs, all verify (reply tokens, Message-IDs, cursors, upload links); webhook secrets are sealed with them',
  ),
  USHER_TENANT_CLAIM: z
    .string()
    .min(1)
    .optional()
    .describe('claim of access tokens that names the tenant by key or id; without it the one tenant that knows the person'),
  ALLOW_PRIVATE_TARGETS: flag.describe('let identity providers and webhook endpoints be in private networks and without TLS'),
  DOCS_OIDC_ISSUER: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('identity provider that readers of /docs sign in with'),
  DOCS_OIDC_CLIENT_ID: z.string().min(1).optional().describe('the public client it knows /docs as; its redirect is /docs/signed-in'),
  WORKFLOW_BUNDLE: z
    .string()
    .min(1)
    .optional()
    .describe('file with the workflows; without it that of the release, or one made of the source'),
  WORKER_CACHE: z.coerce.number().int().min(1).default(2000).describe('workflows kept in memory per worker'),
  WORKER_TASKS: z.coerce
    .number()
    .int()
    .min(2)
    .max(200)
    .default(4)
    .describe('steps of workflows worked on at once per worker; about two for each core it has'),
  WORKER_THREADS: z.coerce
    .number()
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe('threads that run workflows, per worker; they share WORKER_CACHE and WORKER_TASKS'),
  STICKY_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(1_000)
    .max(600_000)
    .default(2_000)
    .describe('milliseconds a workflow waits for the worker that has it in memory, before any worker may take it'),
  WORKFLOW_CALL_STACKS: flag.describe('note call stacks of workflows for the Web UI’s page of them: takes half as much processor again'),
  CONTINUE_AFTER: z.coerce.number().int().min(1).max(1800).default(1000).describe('commands of one run before it continues as new'),
});

export type Config = z.output<typeof ConfigSchema>;

/** A setting that is missing or wrong; the message names each variable and its rule. */
class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads the settings once, at the start of a process.
 *
 * @throws ConfigError naming every wrong variable and why
 */
export function loadConfig(env: Record<string, string | undefined> = process.env): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = ConfigSchema.safeParse(set);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError(`These environment variables are not valid:\n${lines.join('\n')}`);
  }
  const config = parsed.data;
  if (config.NODE_ENV === 'production' && config.SECRET_KEYS.includes('usher-development-secret')) {
    throw new ConfigError('SECRET_KEYS still holds the development secret; set your own in production.');
  }
  if ((config.DOCS_OIDC_ISSUER === undefined) !== (config.DOCS_OIDC_CLIENT_ID === undefined)) {
    throw new ConfigError('DOCS_OIDC_ISSUER and DOCS_OIDC_CLIENT_ID need each other: set both, or neither.');
  }
  const twilio = ['TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN', 'TWILIO_FROM'] as const;
  const missing = twilio.filter((name) => config[name] === undefined);
  if (missing.length > 0 && missing.length < twilio.length) {
    throw new ConfigError(`SMS needs ${missing.join(' and ')} as well; without any of the TWILIO variables staff get mail instead.`);
  }
  return config;
}
