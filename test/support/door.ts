import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** An address of its own before another one, which can be shut: connections are then refused, and open ones are cut. */
export type Door = { url: string; shut: () => Promise<void>; open: () => Promise<void> };

export async function createDoor(behind: string): Promise<Door> {
  const { hostname, port } = new URL(behind);
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let ownPort = 0;

  const keep = (socket: Socket, other: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
  };
  const open = async (): Promise<void> => {
    const listening = createServer((from) => {
      const to = connect(Number(port), hostname);
      keep(from, to);
      keep(to, from);
      from.pipe(to).pipe(from);
    });
    server = listening;
    await new Promise<void>((resolve) => listening.listen(ownPort, '127.0.0.1', resolve));
    ownPort = (listening.address() as AddressInfo).port;
  };
  const shut = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) =>
      server === undefined ? resolve() : server.close(() => resolve()),
    );
    for (const socket of sockets) socket.destroy();
    await closed;
    server = undefined;
  };

  await open();
  return { url: `http://127.0.0.1:${ownPort}`, shut, open };
}
