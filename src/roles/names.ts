import { nearest } from '../nearest.ts';
import type { Setting } from '../setting.ts';

export type Env = Readonly<Record<string, string | undefined>>;
/** Said in the log of whatever read the configuration. */
export type Notice = { level: 'info' | 'warn'; text: string };

/**
 * Kubernetes and Docker write the address of a service that is called fahuo-http into the environment of others:
 * FAHUO_HTTP_SERVICE_HOST, FAHUO_HTTP_PORT=tcp://10.0.0.1:9470, FAHUO_HTTP_PORT_9470_TCP_ADDR and their kin.
 */
const serviceShape =
  /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)$/;

export const isServiceAddress = (name: string, value: string | undefined): boolean =>
  name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value ?? '');

const isOfAService = (name: string, value: string | undefined): boolean =>
  serviceShape.test(name) || isServiceAddress(name, value);

/** Names that are meant for fahuo, or may be: others may share these beginnings. */
const ours = 'FAHUO_';
const shared = ['KAFKA_', 'WECHAT_', 'REDIS_', 'DATABASE_', 'POSTGRES_', 'PG_', 'SHOP_'];

/**
 * What is wrong with the names of the environment. A mistyped FAHUO_ name would silently leave its default in force: it
 * is a problem. A name that may be somebody else's is worth a word where it is near one of ours that is not set. Pure.
 */
export function readNames(env: Env, settings: readonly Setting[]): { problems: string[]; notices: Notice[] } {
  const known = settings.flatMap(namesOf);
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  const strange = Object.keys(env).filter(
    (name) => isSet(name) && !known.includes(name) && !isOfAService(name, env[name]),
  );
  const problems = strange
    .filter((name) => name.startsWith(ours))
    .map((name) => `${name} is not a setting${question(meant(name, settings))}`);
  const notices = strange
    .filter((name) => shared.some((prefix) => name.startsWith(prefix)))
    .map((name) => ({ name, near: meant(name, settings) }))
    .filter(({ near }) => near !== undefined && !isSet(near) && !isSet(`${near}_FILE`))
    .map(({ name, near }) => ({
      level: 'warn' as const,
      text: `${name} is read by nobody${question(near)}`,
    }));
  return { problems, notices };
}

const namesOf = ({ name, secret }: Setting): string[] => (secret ? [name, `${name}_FILE`] : [name]);
const question = (near: string | undefined): string => (near === undefined ? '' : `: did you mean ${near}?`);

/** Another program's word for it, ours with our prefix before it, or a slip of the finger behind the prefix. */
function meant(name: string, settings: readonly Setting[]): string | undefined {
  const prefix = name.slice(0, name.indexOf('_') + 1);
  const known = settings.flatMap(namesOf);
  const alias = settings.find(({ aliases }) => aliases.includes(name))?.name;
  const rest = name.slice(prefix.length);
  const prefixed = prefix === ours && known.includes(rest) ? rest : undefined;
  const siblings = known.filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length));
  const near = nearest(rest, siblings);
  return alias ?? prefixed ?? (near === undefined ? undefined : prefix + near);
}
