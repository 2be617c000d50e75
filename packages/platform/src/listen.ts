import type { AddressInfo, Server } from "node:net";

/** The port is taken by somebody else. */
export class PortInUseError extends Error {
  readonly code = "EADDRINUSE";
  readonly port: number;

  constructor(what: string, host: string, port: number, cause?: unknown) {
    super(`${what} cannot listen on ${host}:${port}: the port is in use`, { cause });
    this.name = "PortInUseError";
    this.port = port;
  }
}

/** Listens and tells the port, which is of interest where 0 was asked for. Throws PortInUseError if it is taken. */
export async function listen(server: Server, what: string, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      reject(error.code === "EADDRINUSE" ? new PortInUseError(what, host, port, error) : error);
    };
    server.once("error", failed);
    server.listen({ host, port }, () => {
      server.off("error", failed);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}
