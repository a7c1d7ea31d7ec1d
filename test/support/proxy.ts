import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Frames, metadataKey, rewriteBrokers, type Address } from './kafka-frames.ts';

/** One request of a Kafka client, as far as its header says. */
export type KafkaRequest = { apiKey: number; apiVersion: number; correlationId: number; bytes: number };

/** What becomes of a request and of its answer. */
export type Verdict =
  | { kind: 'pass' }
  /** The connection is cut; the broker has not seen a byte. */
  | { kind: 'cut_before' }
  /** The broker gets the first half of the request, and then the connection is cut. */
  | { kind: 'cut_request' }
  /** The broker takes the request and its answer is swallowed; the connection stays open. */
  | { kind: 'drop_answer' }
  /** The broker takes the request; the connection is cut when its answer is there. */
  | { kind: 'cut_answer' }
  /** The client gets the first half of the answer, and then the connection is cut. */
  | { kind: 'half_answer' }
  /** The request arrives late, also when the client has gone meanwhile. */
  | { kind: 'delay'; ms: number };

export const pass: Verdict = { kind: 'pass' };
export const produceKey = 0;

export type KafkaProxy = {
  /** `host:port` of the first broker's stand-in; the others are reached through the metadata. */
  brokers: string;
  /** Asked for every request; `pass` where it is not set. */
  judge: (request: KafkaRequest) => Verdict;
  /** The most Produce requests that were unanswered at once on all connections. */
  readonly mostInFlight: number;
  /** Cuts what is open and refuses what comes, until `accept`. */
  refuse: () => void;
  accept: () => void;
  close: () => Promise<void>;
};

/** Stands between Kafka clients and the brokers of a cluster, and has its own address written into every Metadata answer. */
export async function createKafkaProxy(brokers: string): Promise<KafkaProxy> {
  const listeners = new Map<string, Promise<Listener>>();
  const sockets = new Set<Socket>();
  const gate = { open: true };
  const inFlight = new Set<string>();
  let mostInFlight = 0;
  let connections = 0;
  const proxy: KafkaProxy = {
    brokers: '',
    judge: () => pass,
    get mostInFlight() {
      return mostInFlight;
    },
    refuse: () => {
      gate.open = false;
      for (const socket of sockets) socket.destroy();
    },
    accept: () => void (gate.open = true),
    close: async () => {
      proxy.refuse();
      for (const listener of listeners.values()) (await listener).server.close();
    },
  };
  /** A listener for each broker, made when it is first heard of. */
  const standIn = ({ host, port }: Address): Promise<Address> => {
    const name = `${host}:${port}`;
    const known = listeners.get(name) ?? listen((client) => serve(client, { host, port }));
    listeners.set(name, known);
    return known.then((listener) => listener.address);
  };
  const serve = (client: Socket, target: Address): void => {
    if (!gate.open) return void client.destroy();
    const broker = connect(target.port, target.host);
    for (const socket of [client, broker]) {
      sockets.add(socket);
      socket.setNoDelay();
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
    }
    const number = connections++;
    link({
      client,
      broker,
      standIn,
      judge: (request) => {
        if (request.apiKey === produceKey) inFlight.add(`${number}/${request.correlationId}`);
        mostInFlight = Math.max(mostInFlight, inFlight.size);
        return proxy.judge(request);
      },
      over: (correlationId) => void inFlight.delete(`${number}/${correlationId}`),
      ended: () => {
        for (const name of inFlight) if (name.startsWith(`${number}/`)) inFlight.delete(name);
      },
    });
  };
  const first = await standIn(addressOf(brokers.split(',')[0]!));
  proxy.brokers = `${first.host}:${first.port}`;
  return proxy;
}

const addressOf = (broker: string): Address => {
  const at = broker.lastIndexOf(':');
  return { host: broker.slice(0, at), port: Number(broker.slice(at + 1)) };
};

type Listener = { server: Server; address: Address };

async function listen(serve: (client: Socket) => void): Promise<Listener> {
  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return { server, address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port } };
}

type Link = {
  client: Socket;
  broker: Socket;
  standIn: (address: Address) => Promise<Address>;
  judge: (request: KafkaRequest) => Verdict;
  over: (correlationId: number) => void;
  ended: () => void;
};

/** Passes whole frames both ways; a frame is an int32 of its length and as many bytes. */
function link({ client, broker, standIn, judge, over, ended }: Link): void {
  const open = new Map<number, { request: KafkaRequest; verdict: Verdict }>();
  let late = Promise.resolve();
  const cut = (): void => {
    client.destroy();
    broker.destroy();
  };
  const passOn = (frame: Buffer, verdict: Verdict): void => {
    if (verdict.kind === 'cut_before') return cut();
    if (verdict.kind === 'cut_request') {
      broker.write(frame.subarray(0, Math.ceil(frame.length / 2)), cut);
      return;
    }
    if (verdict.kind === 'delay') late = late.then(() => after(verdict.ms));
    // Behind a late request the others are late too: a connection keeps its order.
    late = late.then(() => {
      if (broker.writable) broker.write(frame);
    });
  };
  const answer = async (frame: Buffer): Promise<void> => {
    const correlationId = frame.readInt32BE(4);
    const asked = open.get(correlationId);
    open.delete(correlationId);
    over(correlationId);
    const verdict = asked?.verdict.kind;
    if (verdict === 'drop_answer') return;
    if (verdict === 'cut_answer') return cut();
    if (verdict === 'half_answer') {
      client.write(frame.subarray(0, Math.ceil(frame.length / 2)), cut);
      return;
    }
    const whole =
      asked?.request.apiKey === metadataKey
        ? await rewriteBrokers(frame, asked.request.apiVersion, standIn)
        : frame;
    if (client.writable) client.write(whole);
  };
  const requests = new Frames((frame) => {
    const request = {
      apiKey: frame.readInt16BE(4),
      apiVersion: frame.readInt16BE(6),
      correlationId: frame.readInt32BE(8),
      bytes: frame.length,
    };
    const verdict = judge(request);
    open.set(request.correlationId, { request, verdict });
    passOn(frame, verdict);
  });
  let answers = Promise.resolve();
  const replies = new Frames((frame) => void (answers = answers.then(() => answer(frame))));
  client.on('data', (data: Buffer) => requests.push(data));
  broker.on('data', (data: Buffer) => replies.push(data));
  // What is still to be late goes to the broker even when the client has hung up.
  client.once('close', () => {
    ended();
    void late.then(() => broker.end());
  });
  broker.once('close', () => client.destroy());
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());

export type TcpProxy = {
  port: number;
  /** Neither side hears of the other any more; connections stay open, new ones hang. */
  freeze: () => void;
  /** The answers alone stop after `bytes` more: what a client looks like that is stopped while it reads. */
  stopReading: (afterBytes: number) => void;
  /**
   * What is open falls silent for good, and neither side hears that the other closes; new connections work: a host that
   * is gone without a reset, and another one that has its address.
   */
  silence: () => void;
  thaw: () => void;
  /** Ends what is open; new connections work. */
  cut: () => void;
  close: () => void;
};

/** Passes bytes of any protocol, until it is frozen. */
export async function createTcpProxy(target: Address): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const silent = new Set<Socket>();
  const state = { frozen: false, left: Infinity };
  const { server, address } = await listen((client) => {
    const upstream = connect(target.port, target.host);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.setNoDelay();
      from.on('error', () => undefined);
      from.on('data', (data: Buffer) => {
        to.write(data);
        if (from !== upstream) return;
        state.left -= data.length;
        if (state.left <= 0) from.pause();
      });
      from.once('close', () => {
        pairs.delete(pair);
        if (!state.frozen && !silent.has(from)) to.destroy();
      });
    }
    if (state.frozen) for (const socket of pair) socket.pause();
  });
  return {
    port: address.port,
    freeze: () => {
      state.frozen = true;
      for (const socket of [...pairs].flat()) socket.pause();
    },
    stopReading: (afterBytes) => void (state.left = afterBytes),
    silence: () => {
      for (const socket of [...pairs].flat()) silent.add(socket.pause());
    },
    thaw: () => {
      Object.assign(state, { frozen: false, left: Infinity });
      for (const socket of [...pairs].flat()) socket.resume();
    },
    cut: () => {
      for (const socket of [...pairs].flat()) socket.destroy();
    },
    close: () => {
      for (const socket of [...silent, ...[...pairs].flat()]) socket.destroy();
      server.close();
    },
  };
}
