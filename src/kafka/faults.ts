import type { Socket } from 'node:net';
import { sleep } from '../clock.ts';
import { faultOf, type Found, type Remedies } from '../connection-fault.ts';
import { probeTls } from '../tls-probe.ts';
import { mechanisms, type KafkaConnection } from './connection.ts';

/** In the names of our settings. */
export const kafkaRemedies: Remedies = {
  unknown_authority: 'Let KAFKA_SSL_CA_FILE name the PEM file of the authority that signed it.',
  expired: 'Renew the certificate of the brokers, and look at the clock of this host.',
  not_yet_valid: 'Look at the clock of this host, and at the certificate of the brokers.',
  misnamed:
    'Set KAFKA_SSL_SERVER_NAME to a name of the certificate, or KAFKA_SSL_VERIFY_HOSTNAME=false: the authority is verified all the same.',
  certificate_wanted: 'Set KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE.',
  certificate_refused:
    'Let KAFKA_SSL_CERT_FILE name a certificate that is valid now and signed by an authority that the brokers trust.',
  tls_not_spoken: 'Set KAFKA_SSL=false, or let KAFKA_BROKERS name the port where the brokers speak TLS.',
  tls_wanted: 'Set KAFKA_SSL=true, or let KAFKA_BROKERS name a port without TLS.',
  tls_disagreed: 'Let the brokers speak TLS 1.2 or 1.3.',
  login_refused: 'Check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM.',
  login_wanted: 'Set KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.',
  login_not_taken:
    'Leave KAFKA_SASL_MECHANISM empty, or let KAFKA_BROKERS name the port where the brokers take a login.',
  mechanism_not_taken: 'Set KAFKA_SASL_MECHANISM to one that the brokers take.',
};

/** What a library's error tells without another look at the brokers. Pure. */
export function kafkaFaultOf(error: unknown, { ssl }: KafkaConnection): Found | null {
  const found = faultOf(error);
  if (found?.fault === 'certificate_refused' && ssl?.cert === undefined)
    return { fault: 'certificate_wanted' };
  return found;
}

/**
 * Looks at the brokers by ourselves, since a broker that wants TLS or a login just closes the connection, and libraries
 * say no more than that. What the error tells stands where the look finds nothing.
 */
export async function examineBrokers(connection: KafkaConnection, error: unknown): Promise<Found | null> {
  const told = kafkaFaultOf(error, connection);
  if (told?.fault === 'login_refused') return told;
  const broker = brokerOf(error);
  const looks = (broker === null ? connection.brokers : [broker]).map((one) => look(connection, one));
  const seen = (await Promise.all(looks)).find((found) => found !== null);
  return seen ?? told;
}

/** kafkajs says which broker it was: a certificate may suit the first one, and not those that it names. */
function brokerOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  const { broker, cause } = error as { broker?: unknown; cause?: unknown };
  return typeof broker === 'string' ? broker : brokerOf(cause);
}

async function look({ ssl, sasl }: KafkaConnection, broker: string): Promise<Found | null> {
  const colon = broker.lastIndexOf(':');
  const probed = await probeTls({ host: broker.slice(0, colon), port: Number(broker.slice(colon + 1)) }, ssl);
  if (probed.found !== null) return probed.found;
  if (probed.socket === null) return null;
  const taken = await mechanismsOf(probed.socket);
  if (taken === null) return sasl === undefined ? null : { fault: 'login_not_taken' };
  if (sasl === undefined) return { fault: 'login_wanted', detail: taken.join(', ') };
  return taken.includes(mechanisms[sasl.mechanism])
    ? null
    : { fault: 'mechanism_not_taken', detail: `it takes ${taken.join(', ')}` };
}

const answersWithinMs = 2_000;
const unsupportedMechanism = 33;

/** SaslHandshake v1: the mechanisms that a broker takes; null where it takes no login at all, or says nothing. */
async function mechanismsOf(socket: Socket): Promise<string[] | null> {
  const done = new AbortController();
  const answered = new Promise<Buffer | null>((resolve) => {
    let gathered = Buffer.alloc(0);
    socket.on('data', (data: Buffer) => {
      gathered = Buffer.concat([gathered, data]);
      if (gathered.length >= 4 && gathered.length >= 4 + gathered.readInt32BE(0)) resolve(gathered);
    });
    socket.once('error', () => resolve(null));
    socket.once('close', () => resolve(null));
  });
  socket.write(saslHandshake);
  const answer = await Promise.race([answered, sleep(answersWithinMs, done.signal).then(() => null)]);
  done.abort();
  socket.destroy();
  return answer === null ? null : readMechanisms(answer);
}

const saslHandshake = ((): Buffer => {
  const text = (value: string): Buffer => Buffer.concat([int16(value.length), Buffer.from(value)]);
  const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
  const body = Buffer.concat([int16(17), int16(1), Buffer.from([0, 0, 0, 1]), text('fahuo'), text('PLAIN')]);
  return Buffer.concat([Buffer.from([0, 0, 0, body.length]), body]);
})();

/** Size, correlation id, error code, and an array of strings. */
function readMechanisms(answer: Buffer): string[] | null {
  const code = answer.readInt16BE(8);
  if (code !== 0 && code !== unsupportedMechanism) return null;
  const names: string[] = [];
  let at = 14;
  for (let left = answer.readInt32BE(10); left > 0; left--) {
    const length = answer.readInt16BE(at);
    names.push(answer.toString('utf8', at + 2, at + 2 + length));
    at += 2 + length;
  }
  return names.sort();
}
