import { createRequire } from 'node:module';
import { createServer, connect as netConnect, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { patchKafkajs } from '../../../src/kafka/kafkajs-patches.ts';

type Queue = {
  pending: unknown[];
  throttleCheckTimeoutId: unknown;
  checkPendingRequests: () => void;
  scheduleCheckPendingRequests: () => void;
  destroy: () => void;
};

type Connection = { connect: () => Promise<true>; disconnect: () => Promise<true> };

const require = createRequire(import.meta.url);
const silent = { namespace: () => ({ debug: () => undefined, error: () => undefined }) };

describe('the request queue of kafkajs', () => {
  it('arms no timer while nothing waits, and one while something does', () => {
    patchKafkajs();
    const Queue = require('kafkajs/src/network/requestQueue') as new (options: object) => Queue;
    const queue = new Queue({ logger: silent, maxInFlightRequests: 0, requestTimeout: 1_000 });
    queue.checkPendingRequests();
    expect(queue.throttleCheckTimeoutId).toBeNull();
    queue.pending.push({});
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).not.toBeNull();
    queue.destroy();
  });
});

describe('a connection of kafkajs', () => {
  it('opens one socket for requests that ask at once, and again after it was told to end', async () => {
    patchKafkajs();
    const Connection = require('kafkajs/src/network/connection') as new (options: object) => Connection;
    const opened: Socket[] = [];
    const socketFactory = ({ port, onConnect }: { port: number; onConnect: () => void }): Socket => {
      const socket = netConnect({ port, host: '127.0.0.1' }, onConnect);
      opened.push(socket);
      return socket;
    };
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const connection = new Connection({
      logger: silent,
      host: '127.0.0.1',
      port,
      socketFactory,
      connectionTimeout: 5_000,
      requestTimeout: 1_000,
    });
    await Promise.all([connection.connect(), connection.connect()]);
    expect(opened).toHaveLength(1);
    await connection.disconnect();
    await connection.connect();
    expect(opened).toHaveLength(2);
    await connection.disconnect();
    await new Promise((resolve) => server.close(resolve)); // when no socket is left, and not before
  });
});
